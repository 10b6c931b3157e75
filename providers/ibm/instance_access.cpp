#include "providers/ibm/instance_access.hpp"

#include "providers/ibm/ibm_error.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;

InstanceAccess::InstanceAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                               IbmFlavour const& flavour)
    : client_(client), credentials_(credentials), clock_(clock), random_(random), flavour_(flavour) {}

HttpRequest InstanceAccess::build(InstanceAddress const& instance, InstanceCall const& call,
                                  AccessToken const& token, std::string const& correlation_id) const {
  HttpRequest request;
  request.method = call.method;
  request.endpoint = instance.endpoint;
  request.target = call.query.empty() ? call.path : fmt::format("{}?{}", call.path, call.query);
  std::string bearer = "Bearer ";
  bearer += token.bearer.reveal();
  request.headers.emplace_back("Authorization", std::move(bearer));
  request.headers.emplace_back("Bluemix-Instance", instance.id);
  request.headers.emplace_back("Correlation-Id", correlation_id);
  request.headers.emplace_back("Accept", "application/json");
  if (!instance.key_ring.empty()) request.headers.emplace_back("X-Kms-Key-Ring", instance.key_ring);
  if (!call.content_type.empty()) request.headers.emplace_back("Content-Type", call.content_type);
  request.body = call.body;
  return request;
}

asio::awaitable<Result<InstanceReply>> InstanceAccess::call(InstanceAddress const& instance,
                                                            InstanceCall call, Clock::Mono deadline) {
  std::string const where = fmt::format("{} {}{} (instance {})", call.method, instance.endpoint.text(),
                                        call.path, instance.name.str());
  bool renewed = false;
  while (true) {
    auto token = co_await credentials_.token(std::string(), deadline);
    if (!token) {
      token.error().delivery = Delivery::not_sent;
      co_return std::unexpected(std::move(token.error()));
    }
    std::string const correlation_id = random_.uuid();
    auto request = build(instance, call, **token, correlation_id);
    auto response = co_await client_.call(std::move(request), call.repeatable, deadline);
    if (!response) co_return std::unexpected(std::move(response.error()));
    if (response->status == 401) credentials_.forget(*token);
    if (response->status == 401 && !renewed) {
      renewed = true;
      continue;
    }
    if (response->status < 200 || response->status >= 300) {
      co_return std::unexpected(ibm_error(*response, flavour_, where, clock_.wall_now()));
    }
    InstanceReply reply;
    reply.evidence.operation = fmt::format("{} {}", call.method, call.path);
    reply.evidence.request_id = body_excerpt(response->header("correlation-id"));
    reply.evidence.correlation_id = correlation_id;
    reply.evidence.date = parse_http_date(response->header("date"));
    reply.response = std::move(*response);
    reply.where = where;
    co_return reply;
  }
}

}  // namespace rekeyd::providers::ibm

#include "providers/azure/arm_access.hpp"

#include "providers/auth/bearer_challenge.hpp"
#include "providers/azure/arm_error.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/paging.hpp"
#include "providers/json_answer.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

constexpr std::string_view root = "/subscriptions";

bool is_success(unsigned status) { return status == 200 || status == 201 || status == 202 || status == 204; }

std::string next_link_of(HttpResponse const& response) {
  JsonAnswer answer(response.body);
  return answer.root().text_if("nextLink");
}

Error before_sending(Error error) {
  error.delivery = Delivery::not_sent;
  return error;
}

}  // namespace

ArmAccess::ArmAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                     Options options)
    : client_(client),
      credentials_(credentials),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

std::string ArmAccess::place(ArmCall const& call) const {
  std::string_view const target = call.target.empty() ? call.path : call.target;
  return fmt::format("{} {}{}", call.method, options_.endpoint.text(), target.substr(0, target.find('?')));
}

HttpRequest ArmAccess::build(ArmCall const& call, AccessToken const& token,
                             std::string const& request_id) const {
  HttpRequest request;
  request.method = call.method;
  request.endpoint = options_.endpoint;
  request.target = call.target;
  if (request.target.empty()) {
    char const mark = call.path.find('?') == std::string::npos ? '?' : '&';
    request.target = fmt::format("{}{}api-version={}", call.path, mark,
                                 api_version_for(call.path, call.api_version, options_.api_versions));
  }
  std::string bearer = "Bearer ";
  bearer += token.bearer.reveal();
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("x-ms-client-request-id", request_id);
  request.headers.emplace_back("Authorization", std::move(bearer));
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = call.body;
  return request;
}

asio::awaitable<Result<HttpResponse>> ArmAccess::send(HttpRequest request, Repeatable repeatable,
                                                      Clock::Mono deadline) {
  std::string const method = request.method;
  std::string const target = request.target;
  Charges charges;
  if (options_.limits) charges = options_.limits->charges(options_.caller, method, target);
  auto response = co_await client_.call(std::move(request), repeatable, deadline, std::move(charges));
  if (response && options_.limits) options_.limits->learn(options_.caller, method, target, *response);
  co_return response;
}

asio::awaitable<Result<ArmReply>> ArmAccess::call(ArmCall call, Clock::Mono deadline) {
  std::string const where = place(call);
  bool renewed = false;
  while (true) {
    auto token = co_await credentials_.token(options_.audience, deadline);
    if (!token) co_return std::unexpected(before_sending(std::move(token.error())));
    std::string const request_id = random_.uuid();
    HttpRequest request = build(call, **token, request_id);
    std::string const version = asked_version_words(request.target);
    auto response = co_await send(std::move(request), call.repeatable, deadline);
    if (!response) co_return std::unexpected(std::move(response.error()));
    if (response->status == 401) forget_refused(credentials_, *token, response->header("www-authenticate"));
    if (response->status == 401 && !renewed) {
      renewed = true;
      continue;
    }
    if (!is_success(response->status)) {
      co_return std::unexpected(arm_error(*response, where, clock_.wall_now()));
    }
    ArmReply reply;
    reply.evidence.operation = where;
    reply.evidence.request_id = arm_request_ids(*response);
    reply.evidence.correlation_id = request_id;
    reply.evidence.date = parse_http_date(response->header("date"));
    reply.response = std::move(*response);
    reply.where = where + version;
    co_return reply;
  }
}

asio::awaitable<Result<std::vector<ArmReply>>> ArmAccess::pages(ArmCall first, Clock::Mono deadline) {
  std::vector<ArmReply> pages;
  ArmCall call = first;
  while (true) {
    auto reply = co_await this->call(call, deadline);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    std::string const where = reply->where;
    std::string const next_link = next_link_of(reply->response);
    pages.push_back(std::move(*reply));
    if (next_link.empty()) co_return pages;
    auto const version = api_version_for(first.path, first.api_version, options_.api_versions);
    auto target = next_page_target(next_link, options_.endpoint, version, where, root);
    if (!target) co_return std::unexpected(std::move(target.error()));
    if (*target == call.target) {
      co_return std::unexpected(malformed_answer("nextLink leads to its own page", where));
    }
    if (pages.size() >= pages_max) {
      co_return std::unexpected(
          malformed_answer(fmt::format("the list has more than {} pages", pages_max), where));
    }
    call.target = std::move(*target);
  }
}

Result<std::string> ArmAccess::operation_target(std::string_view url, std::string const& where) const {
  auto const parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
  auto const view = [](auto const& text) { return std::string_view(text.data(), text.size()); };
  bool const ours = parsed && parsed->scheme_id() == boost::urls::scheme::https && !parsed->has_userinfo() &&
                    lower_case(view(parsed->encoded_host())) == options_.endpoint.host &&
                    (!parsed->has_port() || view(parsed->port()) == options_.endpoint.port ||
                     view(parsed->port()) == "443");
  if (!ours) {
    return std::unexpected(
        malformed_answer("the operation's URL leads away from Azure Resource Manager", where));
  }
  std::string target(view(parsed->encoded_path()));
  if (parsed->has_query()) target += fmt::format("?{}", view(parsed->encoded_query()));
  return target;
}

}  // namespace rekeyd::providers::azure

#include "tests/providers/cloud_script.hpp"

namespace rekeyd::test {

using namespace providers;

namespace {

std::string call_of(HttpRequest const& request) {
  return request.method + " " + request.target.substr(0, request.target.find('?'));
}

}  // namespace

boost::asio::awaitable<Result<AccessTokenPtr>> CountingCredentials::token(std::string audience, Clock::Mono) {
  audiences.push_back(std::move(audience));
  if (failure) co_return std::unexpected(*failure);
  if (!current_) {
    auto token = std::make_shared<AccessToken>();
    token->bearer = Secret("token-" + std::to_string(++made_));
    current_ = std::move(token);
  }
  co_return current_;
}

void CountingCredentials::forget(AccessTokenPtr const& token) {
  ++forgotten;
  if (token == current_) current_.reset();
}

CloudScript::CloudScript(std::string unauthenticated_header)
    : loop(Instant(std::chrono::seconds(1'780'000'000))),
      transport(loop.clock, [this](HttpRequest const& request) { return answer_to(request); }),
      challenge(std::move(unauthenticated_header)) {
  ApiLimits limits;
  limits.requests_per_second = 0;
  client = make_api_client(transport, loop.clock, random, limits);
}

CloudScript::Reply CloudScript::answer_to(HttpRequest const& request) {
  if (!challenge.empty() && header_of(request, "Authorization").empty()) {
    ++probes;
    return answer(401, "", {{"WWW-Authenticate", challenge}});
  }
  auto const found = replies_.find(call_of(request));
  if (found == replies_.end())
    return answer(404, R"({"error":{"code":"KeyNotFound","message":"no script"}})");
  auto reply = found->second.front();
  if (found->second.size() > 1) found->second.pop_front();
  return reply;
}

std::vector<HttpRequest> CloudScript::sent(std::string const& call) const {
  std::vector<HttpRequest> requests;
  for (auto const& request : transport.sent()) {
    if (call_of(request) == call && !header_of(request, "Authorization").empty()) requests.push_back(request);
  }
  return requests;
}

std::string header_of(HttpRequest const& request, std::string const& name) {
  for (auto const& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace rekeyd::test

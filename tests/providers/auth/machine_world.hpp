#pragma once
#include "providers/auth/managed_identity.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::test {

/// The answer of a metadata service: its numbers are strings.
inline providers::HttpResponse granted() {
  return answer(200,
                R"({"access_token":"eyJ0","client_id":"c","expires_in":"86399","expires_on":"1767323045",)"
                R"("resource":"https://vault.azure.net","token_type":"Bearer","refresh_token":""})");
}

/// A machine whose token service is a function, and our source of its tokens.
struct MachineWorld {
  VirtualClock clock{parse_rfc3339("2026-03-01T12:00:00Z").value()};
  SeededRandom random{1};
  std::function<Result<providers::HttpResponse>(providers::HttpRequest const&)> script{
      [](providers::HttpRequest const&) { return granted(); }};
  ScriptedTransport network{clock, [this](providers::HttpRequest const& request) { return script(request); }};
  providers::ApiLimits limits{.tries_max = 1};
  std::unique_ptr<providers::ApiClient> api{providers::make_api_client(network, clock, random, limits)};
  std::unique_ptr<providers::CredentialSource> source;
  boost::asio::io_context io{1};

  explicit MachineWorld(providers::ManagedIdentity identity = {}) {
    source = providers::make_instance_identity(*api, clock, std::move(identity));
  }
  Result<providers::AccessTokenPtr> ask(std::chrono::seconds patience = std::chrono::minutes(10),
                                        std::string audience = "https://vault.azure.net") {
    return run_coroutine(io, clock, source->token(std::move(audience), clock.mono_now() + patience));
  }
  providers::HttpRequest const& last() const { return network.sent().back(); }
  /// When the tries went out, counted from the first one; the probe before them left out.
  std::vector<std::chrono::seconds> tries() const {
    std::vector<std::chrono::seconds> found;
    for (std::size_t i = 1; i < network.sent_at().size(); ++i) {
      auto const since = network.sent_at()[i] - network.sent_at()[1];
      found.push_back(std::chrono::round<std::chrono::seconds>(since));
    }
    return found;
  }
};

/// The first request to a metadata service: is it there at all?
inline bool is_probe(providers::HttpRequest const& request) {
  return std::ranges::none_of(request.headers, [](auto const& header) { return header.first == "Metadata"; });
}

inline std::string value_of(providers::HttpRequest const& request, std::string const& name) {
  for (auto const& [field, value] : request.headers) {
    if (field == name) return value;
  }
  return {};
}

}  // namespace rekeyd::test

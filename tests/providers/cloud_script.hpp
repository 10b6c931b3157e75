#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::test {

/// Tokens "token-1", "token-2", ..; a new one only when the last one was refused.
class CountingCredentials final : public providers::CredentialSource {
 public:
  boost::asio::awaitable<Result<providers::AccessTokenPtr>> token(std::string audience,
                                                                  providers::Clock::Mono deadline) override;
  void forget(providers::AccessTokenPtr const& token) override;

  std::vector<std::string> audiences;
  int forgotten{0};
  std::optional<Error> failure;

 private:
  providers::AccessTokenPtr current_;
  int made_{0};
};

/// A provider's world: virtual time, the real API client, and a far side that answers by script. Answers are
/// kept by "METHOD /path" (query left out); several for one call come in order, the last one stays.
class CloudScript {
 public:
  using Reply = Result<providers::HttpResponse>;

  explicit CloudScript(std::string unauthenticated_header = {});

  void on(std::string const& call, Reply reply) { replies_[call].push_back(std::move(reply)); }
  void on(std::string const& call, std::string const& body) { on(call, answer(200, body)); }
  /// Forgets what a call answers, to script it anew.
  void clear(std::string const& call) { replies_.erase(call); }

  /// Requests of that "METHOD /path", in order; with a token only.
  std::vector<providers::HttpRequest> sent(std::string const& call) const;
  providers::Clock::Mono deadline() const { return loop.clock.mono_now() + std::chrono::minutes(10); }

  VirtualLoop loop;
  SeededRandom random{7};
  CountingCredentials credentials;
  ScriptedTransport transport;
  std::unique_ptr<providers::ApiClient> client;
  /// What a request without a token is told; empty: it is treated like any other.
  std::string challenge;
  int probes{0};

 private:
  Reply answer_to(providers::HttpRequest const& request);

  std::map<std::string, std::deque<Reply>> replies_;
};

/// The first header of that name, or empty.
std::string header_of(providers::HttpRequest const& request, std::string const& name);

}  // namespace rekeyd::test

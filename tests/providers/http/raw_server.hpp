#pragma once
#include "tests/support/test_ca.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rekeyd::test {

/// A server that says exactly the bytes it is told, over TLS or plain, on a thread and a port of its own: for
/// all the ways in which the far side can end a conversation.
class RawServer {
 public:
  struct Heard {
    int connection{};  ///< From 1.
    int request{};     ///< On this connection, from 1.
    std::string head;
    std::string body;
  };
  struct Said {
    enum class Then { listen, close_politely, cut_off, hang };
    std::string bytes;
    Then then{Then::listen};
  };
  using Behaviour = std::function<Said(Heard const&)>;

  struct Options {
    bool tls{true};
    bool mute{false};        ///< Accepts and never says a word.
    std::string greeting{};  ///< Said, in the clear, to whoever connects.
    int tls_version_max{0};  ///< E.g. TLS1_1_VERSION.
  };

  /// What the server has seen so far.
  struct Seen {
    int connections{}, requests{}, ended{}, goodbyes{}, resumed{};
  };

  RawServer(Leaf const& leaf, Behaviour behaviour);
  RawServer(Leaf const& leaf, Behaviour behaviour, Options options);
  ~RawServer();
  RawServer(RawServer const&) = delete;
  RawServer& operator=(RawServer const&) = delete;

  std::string port() const;
  Seen seen() const;
  /// Waits until the server has seen that, ten seconds at most.
  bool wait_until(std::function<bool(Seen const&)> const& condition) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A whole answer with Content-Length.
std::string http_answer(std::string const& body, std::string const& headers = {},
                        std::string const& status = "200 OK");

}  // namespace rekeyd::test

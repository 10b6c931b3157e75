#pragma once
#include "tests/simulator/faults.hpp"
#include "tests/simulator/service.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rekeyd::sim {

struct HttpsSettings {
  std::string address{"127.0.0.1"};
  std::uint16_t port{0};    ///< 0: the kernel picks.
  std::string certificate;  ///< PEM files: the chain and its key.
  std::string key;
  unsigned threads{1};  ///< For TLS; the handler is called by one thread at a time.
};

/// The thin layer that serves a model over HTTPS: TLS 1.2 or newer with session tickets, HTTP/1.1 with
/// keep-alive. It carries out each delivery's delay and cut. Throws std::exception when the address cannot be
/// bound or the certificate does not load.
class HttpsServer {
 public:
  using Handler = std::function<Delivery(Request)>;
  HttpsServer(HttpsSettings settings, Handler handler);
  ~HttpsServer();

  std::uint16_t port() const;
  /// Serves until SIGTERM or SIGINT, or until stop().
  void run();
  /// From any thread.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rekeyd::sim

#include "tests/simulator/https_server.hpp"

#include "tests/simulator/certificates.hpp"
#include "tests/simulator/openssl_handles.hpp"

#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include <unistd.h>

using namespace rekeyd::sim;

namespace {

using TlsContext = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "rekeyd-sim-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// A server on a port that the kernel picked, running until the end of the test.
class Running {
 public:
  explicit Running(HttpsServer::Handler handler, unsigned threads = 1) {
    REQUIRE(make_certificates(folder_.path, {"kv1.vault.localhost"}));
    HttpsSettings settings;
    settings.certificate = folder_.path / "server.pem";
    settings.key = folder_.path / "server.key";
    settings.threads = threads;
    server_ = std::make_unique<HttpsServer>(std::move(settings), std::move(handler));
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Running() {
    server_->stop();
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::filesystem::path authority() const { return folder_.path / "ca.pem"; }

 private:
  Folder folder_;
  std::unique_ptr<HttpsServer> server_;
  std::thread thread_;
};

/// A TLS connection that checks the server's name against the authority.
class Connection {
 public:
  explicit Connection(Running const& server, std::string const& name = "kv1.vault.localhost")
      : context_(SSL_CTX_new(TLS_client_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's socket writes to connections that the server has reset.
    REQUIRE(SSL_CTX_load_verify_file(context_.get(), server.authority().c_str()) == 1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_get_ssl(bio_.get(), &ssl_);
    SSL_set1_host(ssl_, name.c_str());
    SSL_set_tlsext_host_name(ssl_, name.c_str());
    BIO_set_conn_hostname(bio_.get(), server.address().c_str());
    connected = BIO_do_handshake(bio_.get()) == 1;
  }
  ~Connection() { ERR_clear_error(); }

  void send(std::string const& text) {
    REQUIRE(BIO_write(bio_.get(), text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
  }
  /// Reads until `end` came or the connection ended.
  std::string read_until(std::string const& end) {
    std::string text;
    char part[4096];
    while (text.find(end) == std::string::npos) {
      int const size = BIO_read(bio_.get(), part, sizeof part);
      if (size <= 0) break;
      text.append(part, static_cast<std::size_t>(size));
    }
    return text;
  }
  bool connected{false};

 private:
  TlsContext context_;
  Bio bio_;
  SSL* ssl_{};
};

std::string const get = "GET /keys?api-version=7.5 HTTP/1.1\r\nHost: KV1.vault.localhost:8443\r\n\r\n";

Delivery ok(std::string const& body) {
  Delivery delivery;
  delivery.answer.body = body;
  return delivery;
}

}  // namespace

TEST_CASE("The server hands on what was asked") {
  Running server([](Request request) {
    return ok(request.method + " " + request.target + " " + std::string(request.header("x-PROBE")) + " END");
  });
  Connection client(server);
  REQUIRE(client.connected);
  client.send("PATCH /keys/a?api-version=7.5 HTTP/1.1\r\nHost: x\r\nX-Probe: 7\r\n\r\n");
  CHECK(client.read_until("END").ends_with("\r\n\r\nPATCH /keys/a?api-version=7.5 7 END"));
}

TEST_CASE("Requests on one connection are answered in turn, with their length") {
  Running server([](Request request) {
    return ok(request.host + "|" + request.authority + "|" + request.body + "END");
  });
  Connection client(server);
  REQUIRE(client.connected);
  for (int i = 0; i < 3; ++i) {
    client.send("POST /keys HTTP/1.1\r\nHost: KV1.vault.localhost:8443\r\nContent-Length: 3\r\n\r\nabc");
    auto const answer = client.read_until("END");
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.find("Content-Length: 51\r\n") != std::string::npos);
    CHECK(answer.ends_with("kv1.vault.localhost|KV1.vault.localhost:8443|abcEND"));
  }
}

TEST_CASE("A client that asks for the end of the connection gets it") {
  Running server([](Request) { return ok("bye"); });
  Connection client(server);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto const answer = client.read_until("never");
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(answer.ends_with("bye"));
}

TEST_CASE("A cut before or after sends no byte, a cut in the body promises more than it brings") {
  auto const cut = GENERATE(Cut::before, Cut::after, Cut::mid_body);
  Running server([cut](Request) {
    auto delivery = ok("0123456789");
    delivery.cut = cut;
    return delivery;
  });
  Connection client(server);
  client.send(get);
  auto const answer = client.read_until("never");
  if (cut != Cut::mid_body) {
    CHECK(answer.empty());
  } else {
    CHECK(answer.find("Content-Length: 10\r\n") != std::string::npos);
    CHECK(answer.ends_with("\r\n\r\n01234"));
  }
}

TEST_CASE("A delayed answer comes, and does not hold up others") {
  Running server([](Request request) {
    auto delivery = ok("END");
    if (request.target == "/slow") delivery.delay = std::chrono::hours(1);
    return delivery;
  });
  Connection slow(server);
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  Connection quick(server);
  quick.send(get);
  CHECK(quick.read_until("END").ends_with("END"));
}

TEST_CASE("The certificate is good for the names of the world only") {
  Running server([](Request) { return ok("END"); });
  CHECK_FALSE(Connection(server, "kv2.vault.localhost").connected);
  CHECK(Connection(server, "localhost").connected);
}

TEST_CASE("Several threads serve one model") {
  int asked = 0;  // Not atomic: the server promises one call at a time.
  Running server(
      [&asked](Request) {
        ++asked;
        return ok("END");
      },
      3);
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&server] {
      Connection client(server);
      for (int n = 0; n < 25; ++n) {
        client.send(get);
        client.read_until("END");
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(asked == 100);
}

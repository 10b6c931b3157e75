#pragma once
#include "providers/http/transport.hpp"
#include "tests/end_to_end/running_program.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::test {

/// What a cloud itself says of one root key.
struct CloudKey {
  std::vector<std::string> versions;
  std::string current;
  bool operator==(CloudKey const&) const = default;
};
/// By "VAULT/ID".
using CloudKeys = std::map<std::string, CloudKey>;

/// rekeyd-sim as a program of its own, and a client that asks it over HTTPS as any other would.
class Clouds {
 public:
  struct Options {
    std::filesystem::path folder;        ///< For its world, certificates and log.
    std::string world;                   ///< The world file's text.
    std::filesystem::path dek_folder;    ///< Its wrapped DEKs are written here.
    std::uint16_t port{0};               ///< 0: one that the kernel picks.
    std::filesystem::path certificates;  ///< Made there, unless there already.
  };
  /// Returns when requests are taken.
  explicit Clouds(Options const& options);

  /// Makes ca.pem and the server's certificate without serving anything.
  static void make_certificates(Options const& options);

  std::uint16_t port() const { return port_; }
  RunningProgram& program() { return *program_; }

  /// A rule's fields, tests/simulator/README.md: {"kind": "reset-after", "path": "*/rotate", "times": 1}.
  void add_fault(std::string const& rule);
  void clear_faults();
  /// As if what has happened there so far had happened so much earlier.
  void let_pass(std::chrono::seconds span);
  /// How many requests the rules in force have hit.
  std::uint64_t fault_hits();

  CloudKeys keys();
  /// Requests that services have got so far, the control host's not counted.
  std::uint64_t requests();
  /// Those of one operation as the simulator names them ("rotate 200"), at all hosts.
  std::map<std::string, std::uint64_t> requests_by_operation();
  /// SHA-256 of each DEK that the world began with.
  std::multimap<std::string, std::string> seeded_deks();
  /// SHA-256 of the DEK in an envelope's text; nothing when it does not unwrap.
  std::optional<std::string> dek_in(std::string const& envelope);

  /// Any request to any host of the world. Fails the test when no answer comes.
  providers::HttpResponse ask(std::string const& method, std::string const& host, std::string const& target,
                              std::string const& body = {}, providers::Headers headers = {});
  /// A token for a resource, as an administrator at Azure would get it.
  std::string azure_token(std::string const& resource);

 private:
  boost::json::value control(std::string const& method, std::string const& target,
                             std::string const& body = {});

  std::unique_ptr<RunningProgram> program_;
  std::uint16_t port_{};
  boost::asio::io_context io_{1};
  std::unique_ptr<providers::Clock> clock_;
  std::unique_ptr<providers::HttpTransport> transport_;
};

}  // namespace rekeyd::test

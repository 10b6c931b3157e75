#include "tests/end_to_end/clouds.hpp"

#include "providers/http/tls_transport.hpp"
#include "providers/system/system_clock.hpp"
#include "tests/daemon/child_process.hpp"
#include "tests/end_to_end/world_text.hpp"
#include "tests/support/run_coroutine.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>
#include <utility>

namespace rekeyd::test {

namespace json = boost::json;

namespace {

constexpr char control_host[] = "sim.localhost";
constexpr auto patience = std::chrono::seconds(60);

/// The command that both makes certificates and serves; the world file is written.
std::vector<std::string> command_for(Clouds::Options const& options) {
  std::ofstream(options.folder / "world.yaml") << options.world;
  std::vector<std::string> command{REKEYD_SIM, "--world", options.folder / "world.yaml"};
  if (std::filesystem::exists(options.certificates / "server.pem")) {
    command.insert(command.end(), {"--cert", options.certificates / "server.pem", "--key",
                                   options.certificates / "server.key"});
  } else {
    command.insert(command.end(), {"--make-ca", options.certificates});
  }
  if (!options.dek_folder.empty()) command.insert(command.end(), {"--write-envelopes", options.dek_folder});
  return command;
}

CloudKey read_key(json::value const& key, char const* current) {
  CloudKey read;
  for (json::value const& version : key.at("versions").as_array()) {
    read.versions.emplace_back(version.at("id").as_string());
  }
  read.current = std::string(key.at(current).as_string());
  return read;
}

void read_vault(json::object const& service, CloudKeys& keys) {
  std::string const vault(service.at("vault").as_string());
  for (auto const& [name, key] : service.at("keys").as_object()) {
    keys[vault + "/" + std::string(name)] = read_key(key, "current");
  }
}

void read_instance(json::value const& instance, CloudKeys& keys) {
  std::string const name(instance.at("name").as_string());
  for (json::value const& key : instance.at("keys").as_array()) {
    if (key.at("kind") != "root") continue;
    keys[name + "/" + std::string(key.at("id").as_string())] = read_key(key, "current_version");
  }
}

}  // namespace

void Clouds::make_certificates(Options const& options) {
  Ended const made = run_child(command_for(options));
  INFO(made.err);
  REQUIRE(made.exit == 0);
}

Clouds::Clouds(Options const& options) : clock_(providers::make_system_clock()) {
  auto command = command_for(options);
  auto const ready = options.folder / "port";
  std::filesystem::remove(ready);
  command.insert(command.end(),
                 {"--listen", fmt::format("127.0.0.1:{}", options.port), "--ready-file", ready, "--verbose"});
  program_ = std::make_unique<RunningProgram>(command, std::map<std::string, std::string>{},
                                              options.folder / "rekeyd-sim.log");
  bool const up = program_->wait_until([&] { return std::filesystem::exists(ready); }, patience);
  if (!up) FAIL("rekeyd-sim did not start:\n" << program_->log());
  port_ = static_cast<std::uint16_t>(std::stoul(text_of(ready)));

  providers::TlsTransportOptions network;
  network.ca_file = options.certificates / "ca.pem";
  auto hosts = cloud_hosts();
  hosts.emplace_back(control_host);
  for (std::string const& host : hosts)
    network.connect_to[host + ":443"] = fmt::format("127.0.0.1:{}", port_);
  auto transport = providers::make_tls_transport(io_.get_executor(), *clock_, network);
  if (!transport) FAIL(to_text(transport.error()));
  transport_ = *std::move(transport);
}

providers::HttpResponse Clouds::ask(std::string const& method, std::string const& host,
                                    std::string const& target, std::string const& body,
                                    providers::Headers headers) {
  providers::HttpRequest request;
  request.method = method;
  request.endpoint.host = host;
  request.target = target;
  request.headers = std::move(headers);
  request.body.assign(body.begin(), body.end());
  auto const deadline = clock_->mono_now() + patience;
  auto answer = run_coroutine(io_, transport_->exchange(std::move(request), deadline));
  if (!answer) FAIL(method << " " << host << target << ": " << to_text(answer.error()));
  return *std::move(answer);
}

json::value Clouds::control(std::string const& method, std::string const& target, std::string const& body) {
  auto const answer = ask(method, control_host, target, body);
  if (answer.status / 100 != 2) FAIL(method << " " << target << ": " << std::string(answer.body));
  return answer.body.empty() ? json::value() : json::parse(std::string_view(answer.body));
}

void Clouds::add_fault(std::string const& rule) { control("POST", "/faults", rule); }
void Clouds::clear_faults() { control("DELETE", "/faults"); }

void Clouds::let_pass(std::chrono::seconds span) {
  control("POST", "/time-passed", fmt::format(R"({{"seconds": {}}})", span.count()));
}

std::uint64_t Clouds::fault_hits() {
  std::uint64_t hits = 0;
  json::value const rules = control("GET", "/faults");
  for (json::value const& rule : rules.at("faults").as_array())
    hits += rule.at("hits").to_number<std::uint64_t>();
  return hits;
}

CloudKeys Clouds::keys() {
  CloudKeys keys;
  json::value const state = control("GET", "/state");
  for (json::value const& service : state.at("services").as_array()) {
    json::object const& object = service.as_object();
    if (object.contains("vault")) read_vault(object, keys);
    if (!object.contains("instances")) continue;
    for (json::value const& instance : object.at("instances").as_array()) read_instance(instance, keys);
  }
  return keys;
}

std::map<std::string, std::uint64_t> Clouds::requests_by_operation() {
  std::map<std::string, std::uint64_t> counts;
  json::value const hosts = control("GET", "/state/requests");
  for (auto const& [host, operations] : hosts.as_object()) {
    for (auto const& [operation, count] : operations.as_object()) {
      counts[std::string(operation)] += count.to_number<std::uint64_t>();
    }
  }
  return counts;
}

std::uint64_t Clouds::requests() {
  std::uint64_t sum = 0;
  for (auto const& [operation, count] : requests_by_operation()) sum += count;
  return sum;
}

std::multimap<std::string, std::string> Clouds::seeded_deks() {
  std::multimap<std::string, std::string> deks;
  json::value const answer = control("GET", "/state/deks");
  for (json::value const& dek : answer.at("deks").as_array()) {
    std::string const key =
        std::string(dek.at("vault").as_string()) + "/" + std::string(dek.at("key").as_string());
    deks.emplace(key, dek.at("dek_sha256").as_string());
  }
  return deks;
}

std::optional<std::string> Clouds::dek_in(std::string const& envelope) {
  auto const answer = ask("POST", control_host, "/unwrap-check", envelope);
  if (answer.status != 200) return std::nullopt;
  return std::string(json::parse(std::string_view(answer.body)).at("dek_sha256").as_string());
}

std::string Clouds::azure_token(std::string const& resource) {
  std::string const form = fmt::format(
      "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2F{}%2F.default",
      client_id, client_secret, resource);
  auto const answer = ask("POST", "login.microsoftonline.com", fmt::format("/{}/oauth2/v2.0/token", tenant),
                          form, {{"Content-Type", "application/x-www-form-urlencoded"}});
  if (answer.status != 200) FAIL("no token: " << std::string(answer.body));
  return std::string(json::parse(std::string_view(answer.body)).at("access_token").as_string());
}

}  // namespace rekeyd::test

#include "tests/end_to_end/site.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <sys/stat.h>

namespace rekeyd::test {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr int busy_ms = 5000;
constexpr auto patience_for_end = std::chrono::seconds(70);  // What the daemon allows itself, and more.

/// What sanitizers are told reaches the programs; nothing else of the tester's environment does.
void pass_on(std::map<std::string, std::string>& environment, char const* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread
  if (char const* const value = std::getenv(name); value != nullptr) environment[name] = value;
}

void make_private(fs::path const& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
}

void write_credential(Site const& site, std::string const& name, std::string const& secret) {
  fs::permissions(site.write("credentials/" + name, secret), fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace

Site::Site() {
  for (char const* const name : {"state", "run", "credentials", "etc/policies.d", "deks", "clouds"}) {
    make_private(folder() / name);
  }
  environment_ = {{"STATE_DIRECTORY", state()},
                  {"RUNTIME_DIRECTORY", folder() / "run"},
                  {"CREDENTIALS_DIRECTORY", folder() / "credentials"}};
  for (char const* const name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
    pass_on(environment_, name);
  }
  write_credential(*this, "azure", client_secret);
  write_credential(*this, "ibm", api_key);
}

Clouds::Options Site::clouds_options(std::string world) const {
  Clouds::Options options;
  options.folder = folder() / "clouds";
  options.world = std::move(world);
  options.dek_folder = deks();
  options.certificates = folder() / "ca";
  return options;
}

SettingsText Site::settings(std::uint16_t port) const {
  SettingsText settings;
  settings.ca_file = folder() / "ca/ca.pem";
  settings.port = port;
  settings.dek_folder = deks();
  return settings;
}

void Site::write_settings(SettingsText const& settings) const {
  folder_.write("etc/rekeyd.yaml", settings_text(settings));
}

void Site::start() {
  daemon_ = std::make_unique<RunningProgram>(std::vector<std::string>{REKEYD, "--config", config_file()},
                                             environment_, folder() / "rekeyd.log");
  await("rekeyd answers at its control socket", [this] {
    int const exit = rekeyctl({"status"}).exit;
    return exit == 0 || exit == 4;
  });
}

int Site::stop() {
  daemon_->send(SIGTERM);
  auto const exit = daemon_->wait_for_end(patience_for_end);
  if (!exit) FAIL("rekeyd does not end:\n" << log());
  daemon_.reset();
  return *exit;
}

void Site::kill() { daemon_.reset(); }

Ended Site::run_daemon_to_its_end() {
  auto const own_log = folder() / "one-start.log";
  fs::remove(own_log);
  RunningProgram program({REKEYD, "--config", config_file()}, environment_, own_log);
  auto const exit = program.wait_for_end(std::chrono::seconds(30));
  if (!exit) FAIL("rekeyd runs although it should not:\n" << program.log());
  return {*exit, {}, program.log()};
}

std::string Site::log() const { return text_of(folder() / "rekeyd.log"); }

Ended Site::rekeyctl(std::vector<std::string> const& arguments) {
  std::vector<std::string> command{REKEYCTL};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ChildOptions options;
  options.environment = environment_;
  options.environment["REKEYD_SOCKET"] = socket();
  return run_child(command, options);
}

json::value Site::ask(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"-o", "json"});
  Ended const ended = rekeyctl(arguments);
  json::error_code error;
  json::value document = json::parse(ended.out, error);
  if (error)
    FAIL("rekeyctl " << arguments.front() << " ended with " << ended.exit << ": " << ended.err << ended.out);
  return document;
}

json::value Site::key(std::string const& reference) {
  json::value const document = ask({"keys"});
  for (json::value const& key : document.at("keys").as_array()) {
    if (key.at("key").as_string() == reference) return key;
  }
  FAIL("rekeyctl keys does not know " << reference << "\n" << log());
  return {};
}

void Site::await(std::string const& what, std::function<bool()> const& holds, std::chrono::seconds patience) {
  if (daemon_->wait_until(holds, patience)) return;
  FAIL("this did not come: " << what << "\n" << rekeyctl({"status"}).out << log());
}

bool Site::settled() {
  json::value const status = ask({"status"});
  for (json::value const& provider : status.at("providers").as_array()) {
    if (provider.at("last_inventory").is_null()) return false;
  }
  json::object const& counts = status.at("counts").as_object();
  for (char const* const word : {"due", "overdue", "rotating", "waiting", "unknown"}) {
    if (counts.contains(word) && counts.at(word).to_number<int>() > 0) return false;
  }
  return true;
}

void Site::await_settled(std::chrono::seconds patience) {
  await("all is settled", [this] { return settled(); }, patience);
}

std::int64_t Site::number(std::string const& sql) const {
  SQLite::Database const database(this->database(), SQLite::OPEN_READONLY, busy_ms);
  SQLite::Statement query(database, sql);
  return query.executeStep() ? query.getColumn(0).getInt64() : 0;
}

std::string Site::text(std::string const& sql) const {
  SQLite::Database const database(this->database(), SQLite::OPEN_READONLY, busy_ms);
  SQLite::Statement query(database, sql);
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

void Site::let_pass(std::chrono::seconds span) const {
  REQUIRE_FALSE(daemon_);
  SQLite::Database database(this->database(), SQLite::OPEN_READWRITE, busy_ms);
  database.exec(
      fmt::format("UPDATE rotations SET next_try = next_try - {0}, first_sent = first_sent - {0}, "
                  "last_sent = last_sent - {0} WHERE state = 'open'",
                  span.count()));
}

Organisation::Organisation(Wanted const& wanted)
    : clouds(site.clouds_options(world_text(wanted.keys, wanted.world_more))), before(clouds.keys()) {
  SettingsText settings = site.settings(clouds.port());
  wanted.settings(settings);
  site.write_settings(settings);
  site.write_policies(wanted.policies);
}

void Organisation::let_pass(std::chrono::seconds span) {
  site.let_pass(span);
  clouds.let_pass(span);
}

std::string Organisation::amiss_with_deks() { return amiss_with_deks(true); }
std::string Organisation::unreadable_deks() { return amiss_with_deks(false); }

std::string Organisation::amiss_with_deks(bool on_current_version) {
  std::string amiss;
  auto missing = clouds.seeded_deks();
  CloudKeys const now = clouds.keys();
  for (auto const& entry : fs::recursive_directory_iterator(site.deks())) {
    if (entry.path().extension() != ".json") continue;
    std::string const text = text_of(entry.path());
    auto const dek = clouds.dek_in(text);
    json::value const envelope = json::parse(text);
    std::string const key =
        std::string(envelope.at("vault").as_string()) + "/" + std::string(envelope.at("key").as_string());
    // Whichever key wraps it by now: no two DEKs are the same.
    auto const same = std::find_if(missing.begin(), missing.end(),
                                   [&](auto const& known) { return dek && known.second == *dek; });
    if (same == missing.end()) {
      amiss += entry.path().string() + (dek ? " holds another DEK\n" : " no longer unwraps\n");
      continue;
    }
    missing.erase(same);
    if (on_current_version && envelope.at("key_version").as_string() != now.at(key).current)
      amiss += entry.path().string() + " is on an old version\n";
  }
  for (auto const& [key, dek] : missing) amiss += "a DEK of " + key + " is missing\n";
  return amiss;
}

std::map<std::string, std::size_t> Organisation::new_versions() {
  std::map<std::string, std::size_t> more;
  for (auto const& [key, now] : clouds.keys()) {
    std::size_t const then = before.at(key).versions.size();
    if (now.versions.size() != then) more[key] = now.versions.size() - then;
  }
  return more;
}

std::string Organisation::amiss_with_history() {
  Ended const verified = site.rekeyctl({"verify", "--database", site.database()});
  return verified.exit == 0 ? "" : fmt::format("exit {}: {}{}", verified.exit, verified.out, verified.err);
}

}  // namespace rekeyd::test

#include "tests/simulation/home.hpp"

#include "config/load.hpp"
#include "tests/simulator/envelope.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <stdexcept>

namespace rekeyd::simulation {

namespace fs = std::filesystem;

namespace {

config::Settings settings_of(std::string const& text, fs::path const& folder, fs::path const& disk) {
  auto loaded =
      config::parse_settings(text, "rekeyd.yaml", folder, [](std::string const&) { return std::nullopt; });
  if (!loaded.value) throw std::runtime_error(config::to_text(loaded.diagnostics.front()));
  loaded.value->policies = folder / "policies.d";
  loaded.value->database = disk / "state" / "rekeyd.db";
  for (config::DekStoreSettings& store : loaded.value->dek_stores) store.path = disk / store.name.str();
  loaded.value->control_socket.clear();
  loaded.value->auditor_group.clear();
  return *std::move(loaded.value);
}

}  // namespace

Home::Home(Scenario const& scenario, std::uint64_t seed)
    : disk_(seed), settings_(settings_of(scenario.settings, folder_.path(), disk_.root())) {
  // As systemd hands credentials over. One world at a time lives in a process.
  for (auto const& [name, secret] : scenario.credentials)
    folder_.write(fs::path("credentials") / name, secret);
  ::setenv("CREDENTIALS_DIRECTORY", (folder_.path() / "credentials").c_str(), 1);
  for (auto const& [key, text] : scenario.material) {
    fs::permissions(folder_.write(fs::path("material") / key, text),
                    fs::perms::owner_read | fs::perms::owner_write);
  }
  write_policies(scenario.policies.front());
  disk_.make_folder(settings_.database.parent_path());
  for (config::DekStoreSettings const& store : settings_.dek_stores) disk_.make_folder(store.path);
}

void Home::write_policies(std::string const& text) { folder_.write("policies.d/all.yaml", text); }

std::map<std::string, std::string> Home::write_deks(std::vector<sim::SeededDek> const& deks) {
  std::map<std::string, std::size_t> numbers;
  std::map<std::string, std::string> sha256_by_file;
  for (sim::SeededDek const& dek : deks) {
    std::size_t const number = ++numbers[dek.envelope.vault + "/" + dek.envelope.key];
    fs::path const file = settings_.dek_stores.front().path / sim::envelope_file(dek.envelope, number);
    if (number == 1) disk_.make_folder(file.parent_path());
    disk_.put(file, boost::json::serialize(sim::to_json(dek.envelope)) + "\n");
    sha256_by_file[file.string()] = dek.dek_sha256;
  }
  return sha256_by_file;
}

}  // namespace rekeyd::simulation

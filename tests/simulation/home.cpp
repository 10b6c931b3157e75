#include "tests/simulation/home.hpp"

#include "config/load.hpp"
#include "tests/simulator/envelope.hpp"

#include <cstdlib>
#include <stdexcept>

namespace rekeyd::simulation {

namespace fs = std::filesystem;

namespace {

config::Settings settings_of(std::string const& text, fs::path const& folder) {
  auto loaded =
      config::parse_settings(text, "rekeyd.yaml", folder, [](std::string const&) { return std::nullopt; });
  if (!loaded.value) throw std::runtime_error(config::to_text(loaded.diagnostics.front()));
  loaded.value->policies = folder / "policies.d";
  loaded.value->database = folder / "rekeyd.db";
  loaded.value->control_socket.clear();
  loaded.value->auditor_group.clear();
  return *std::move(loaded.value);
}

}  // namespace

Home::Home(Scenario const& scenario) : settings_(settings_of(scenario.settings, folder_.path())) {
  // As systemd hands credentials over. One world at a time lives in a process.
  for (auto const& [name, secret] : scenario.credentials)
    folder_.write(fs::path("credentials") / name, secret);
  ::setenv("CREDENTIALS_DIRECTORY", (folder_.path() / "credentials").c_str(), 1);
  write_policies(scenario.policies.front());
  for (config::DekStoreSettings const& store : settings_.dek_stores) fs::create_directories(store.path);
}

void Home::write_policies(std::string const& text) { folder_.write("policies.d/all.yaml", text); }

std::map<std::string, std::string> Home::write_deks(std::vector<sim::SeededDek> const& deks) {
  auto const written = sim::write_envelopes(settings_.dek_stores.front().path, deks);
  if (!written) throw std::runtime_error(written.error());
  std::map<std::string, std::size_t> numbers;
  std::map<std::string, std::string> sha256_by_file;
  for (sim::SeededDek const& dek : deks) {
    std::size_t const number = ++numbers[dek.envelope.vault + "/" + dek.envelope.key];
    sha256_by_file[sim::envelope_file(dek.envelope, number)] = dek.dek_sha256;
  }
  return sha256_by_file;
}

}  // namespace rekeyd::simulation

#pragma once
#include "config/settings.hpp"
#include "storage/store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::test {

/// Every kind of key that an inventory can hold, as the daemon would have stored it on 2026-11-20.
std::vector<storage::StoredKey> every_kind_of_key();

/// The host of a daemon that is not running: configuration, policies, wrapped DEKs, and a database.
class SmallFleet {
 public:
  explicit SmallFleet(std::vector<storage::StoredKey> keys = every_kind_of_key());

  std::filesystem::path path() const { return folder_.path(); }
  std::filesystem::path config() const { return folder_.path() / "rekeyd.yaml"; }
  std::filesystem::path database() const { return folder_.path() / "rekeyd.db"; }
  std::filesystem::path policies() const { return folder_.path() / "policies.d"; }
  std::filesystem::path deks() const { return folder_.path() / "deks"; }
  config::Settings settings() const;

  void write_policies(std::string const& text) const { folder_.write("policies.d/all.yaml", text); }
  std::filesystem::path write(std::string const& name, std::string const& text) const {
    return folder_.write(name, text);
  }
  /// So many envelope files for the key. What they wrap, only their owner could tell.
  void write_deks(KeyRef const& key, std::size_t count) const;
  /// More of what a daemon has made durable.
  void record(storage::Change const& change) const;

 private:
  TemporaryFolder folder_;
};

}  // namespace rekeyd::test

#pragma once
#include "policy/key.hpp"
#include "providers/dek/dek_store.hpp"

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::providers {

/// A folder of its own for one test, removed with everything in it at the end.
class EnvelopeFolder {
 public:
  EnvelopeFolder();
  EnvelopeFolder(EnvelopeFolder const&) = delete;
  EnvelopeFolder& operator=(EnvelopeFolder const&) = delete;
  ~EnvelopeFolder();

  std::filesystem::path const& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// Writes in place, folders on the way included.
  void write(std::string_view name, std::string_view text) const;
  std::string read(std::string_view name) const;
  /// Names of all files below, those with a dot included, sorted.
  std::vector<std::string> files() const;

 private:
  std::filesystem::path path_;
};

KeyRef ledger_key();
/// An envelope's text for `key` under `version`.
std::string envelope_text(KeyRef const& key, std::string_view version, std::string_view ciphertext);
/// What walk() shows of it.
WrappedDek dek(std::string_view id, KeyRef const& key, std::string_view version, std::string_view ciphertext);
/// From version "v1" with ciphertext "b2xk" to "v2" with "bmV3".
DekReplacement old_to_new(std::string_view id);

/// replace_envelopes() by as many threads as a store uses.
std::vector<Result<void>> replace_these(EnvelopeFolder const& folder, std::span<DekReplacement const> batch);

/// Run to their end. The first throws std::runtime_error for an error.
std::vector<WrappedDek> walk_all(DekStore& store, KeyRef const& key, std::size_t page_size = 100);
Result<DekPage> walk_page(DekStore& store, KeyRef const& key, std::string const& cursor, std::size_t limit);
std::vector<Result<void>> replace_all(DekStore& store, std::vector<DekReplacement> batch);
Result<std::size_t> left_behind(DekStore& store, KeyRef const& key, std::string const& version);
Result<void> rehearse(DekStore& store, KeyRef const& key);

}  // namespace rekeyd::providers

#include "tests/providers/dek/envelope_folder.hpp"

#include "providers/dek/envelope_batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace rekeyd::providers {
namespace {

template <class T>
T run(boost::asio::awaitable<T> task) {
  boost::asio::io_context context{1};
  auto future = boost::asio::co_spawn(context, std::move(task), boost::asio::use_future);
  context.run();
  return future.get();
}

}  // namespace

EnvelopeFolder::EnvelopeFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "rekeyd-dek-test-XXXXXX").native();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

EnvelopeFolder::~EnvelopeFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void EnvelopeFolder::write(std::string_view name, std::string_view text) const {
  std::filesystem::path const file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  if (!out) throw std::runtime_error("cannot write " + file.native());
}

std::string EnvelopeFolder::read(std::string_view name) const {
  std::ifstream in(path_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> EnvelopeFolder::files() const {
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(path_)) {
    if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(path_).native());
  }
  std::ranges::sort(names);
  return names;
}

KeyRef ledger_key() { return {ProviderName("azure-prod"), VaultName("payments-eu"), KeyId("cmk-ledger")}; }

std::string envelope_text(KeyRef const& key, std::string_view version, std::string_view ciphertext) {
  return fmt::format(
      R"({{"rekeyd_envelope": 1, "provider": "{}", "vault": "{}", "key": "{}", "key_version": "{}", "wdek": "{}"}})"
      "\n",
      key.provider.str(), key.vault.str(), key.id.str(), version, ciphertext);
}

WrappedDek dek(std::string_view id, KeyRef const& key, std::string_view version,
               std::string_view ciphertext) {
  WrappedDek wrapped;
  wrapped.id = DekId(std::string(id));
  wrapped.key = key;
  wrapped.version = VersionId(std::string(version));
  wrapped.ciphertext = std::string(ciphertext);
  return wrapped;
}

DekReplacement old_to_new(std::string_view id) {
  return {.before = dek(id, ledger_key(), "v1", "b2xk"), .after = dek(id, ledger_key(), "v2", "bmV3")};
}

std::vector<Result<void>> replace_these(EnvelopeFolder const& folder, std::span<DekReplacement const> batch) {
  BatchFlush flush;
  return replace_envelopes(folder.path(), batch, flush);
}

std::vector<WrappedDek> walk_all(DekStore& store, KeyRef const& key, std::size_t page_size) {
  std::vector<WrappedDek> all;
  std::string cursor;
  do {
    Result<DekPage> page = walk_page(store, key, cursor, page_size);
    if (!page) throw std::runtime_error(to_text(page.error()));
    std::ranges::move(page->deks, std::back_inserter(all));
    cursor = page->next;
  } while (!cursor.empty());
  return all;
}

Result<DekPage> walk_page(DekStore& store, KeyRef const& key, std::string const& cursor, std::size_t limit) {
  return run(store.walk(key, cursor, limit));
}

std::vector<Result<void>> replace_all(DekStore& store, std::vector<DekReplacement> batch) {
  return run(store.replace(std::move(batch)));
}

Result<std::size_t> left_behind(DekStore& store, KeyRef const& key, std::string const& version) {
  return run(store.left_behind(key, VersionId(version)));
}

Result<void> rehearse(DekStore& store, KeyRef const& key) { return run(store.rehearse(key)); }

}  // namespace rekeyd::providers

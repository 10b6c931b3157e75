#include "tests/rehearsal/known_deks.hpp"

#include "providers/dek/envelope.hpp"
#include "tests/simulator/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <system_error>

namespace rekeyd::rehearsal {

namespace fs = std::filesystem;

namespace {

/// What a store takes for an envelope file, by its name (providers/dek/envelope_index.cpp).
bool is_envelope_name(std::string const& name) { return name.ends_with(".json") && !name.starts_with('.'); }
bool is_passed_by(std::string const& name) { return name.starts_with('.') || name == "lost+found"; }

std::string key_of_envelope(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  std::string const text{std::istreambuf_iterator<char>(in), {}};
  auto const envelope = providers::read_envelope(text);
  return envelope ? dek_group(envelope->dek.key) : "";
}

/// One folder with those below it.
class Count {
 public:
  Count(DekCounts& counts, std::size_t& files_left) : counts_(counts), files_left_(files_left) {}

  void folder(config::DekStoreSettings const& store) {
    std::error_code error;
    fs::recursive_directory_iterator at(store.path, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (files_left_ == 0) return tell(store, "there are too many; the rest is not counted");
      visit(at);
    }
    if (error) tell(store, error.message());
  }

 private:
  void visit(fs::recursive_directory_iterator& at) {
    std::string const name = at->path().filename().string();
    std::error_code error;
    if (at->is_directory(error)) {
      if (is_passed_by(name)) at.disable_recursion_pending();
      return;
    }
    bool const small = at->is_regular_file(error) && at->file_size(error) <= providers::envelope_bytes_max;
    if (error || !small || !is_envelope_name(name)) return;
    --files_left_;
    if (std::string const key = key_of_envelope(at->path()); !key.empty()) ++counts_.by_key[key];
  }

  void tell(config::DekStoreSettings const& store, std::string const& why) {
    counts_.unread.push_back(fmt::format("the wrapped DEKs of store {} in {} cannot all be counted: {}",
                                         store.name.str(), store.path.string(), why));
  }

  DekCounts& counts_;
  std::size_t& files_left_;
};

}  // namespace

std::string dek_group(KeyRef const& key) { return sim::lower(key.text()); }

std::size_t DekCounts::of(KeyRef const& key) const {
  auto const found = by_key.find(dek_group(key));
  return found == by_key.end() ? 0 : found->second;
}

std::size_t DekCounts::total() const {
  return std::accumulate(by_key.begin(), by_key.end(), std::size_t{0},
                         [](std::size_t sum, auto const& entry) { return sum + entry.second; });
}

DekCounts count_deks(std::vector<config::DekStoreSettings> const& stores, std::size_t files_max) {
  DekCounts counts;
  for (config::DekStoreSettings const& store : stores) Count(counts, files_max).folder(store);
  return counts;
}

DekCounts thinned_out(DekCounts counts, std::size_t most) {
  std::size_t const total = counts.total();
  if (total <= most) return counts;
  for (auto& [key, count] : counts.by_key) count = std::max<std::size_t>(count * most / total, 1);
  return counts;
}

}  // namespace rekeyd::rehearsal

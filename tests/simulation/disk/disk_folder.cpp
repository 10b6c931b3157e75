#include "tests/simulation/disk/disk_folder.hpp"

#include <utility>

namespace rekeyd::simulation {

std::shared_ptr<DiskFile> DiskFolder::find(std::string const& name) const {
  auto const found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

void DiskFolder::apply(Names& names, Change const& change) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.named.empty()) names[change.named] = change.file;
}

void DiskFolder::change(Change change) {
  ++changes_;
  apply(names_, change);
  pending_.push_back(std::move(change));
}

void DiskFolder::put(std::string const& name, std::shared_ptr<DiskFile> file) {
  change({.removed = {}, .named = name, .file = std::move(file)});
}

void DiskFolder::remove(std::string const& name) { change({.removed = name, .named = {}, .file = nullptr}); }

void DiskFolder::rename(std::string const& from, std::string const& to) {
  change({.removed = from, .named = to, .file = find(from)});
}

void DiskFolder::sync() {
  for (Change const& change : pending_) apply(safe_, change);
  pending_.clear();
}

void DiskFolder::lose_power(providers::Random& chance) {
  if (pending_.empty()) return;
  enum Fate : std::uint64_t { none, all, first_few, any, fates };
  auto const fate = static_cast<Fate>(chance.below(fates));
  std::uint64_t const few = chance.below(pending_.size() + 1);
  for (std::uint64_t i = 0; i < pending_.size(); ++i) {
    bool const kept = fate == all || (fate == first_few && i < few) || (fate == any && chance.below(2) == 0);
    if (kept) apply(safe_, pending_[i]);
  }
  pending_.clear();
  names_ = safe_;
  ++changes_;
}

}  // namespace rekeyd::simulation

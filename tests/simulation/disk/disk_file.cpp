#include "tests/simulation/disk/disk_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rekeyd::simulation {
namespace {

void put(std::string& bytes, std::uint64_t offset, std::string_view text) {
  if (text.empty()) return;
  if (bytes.size() < offset + text.size()) bytes.resize(offset + text.size(), '\0');
  std::memcpy(bytes.data() + offset, text.data(), text.size());
}

}  // namespace

void DiskFile::write(std::uint64_t offset, std::string_view text) {
  put(bytes_, offset, text);
  pending_.emplace_back(Write{offset, std::string(text)});
}

void DiskFile::truncate(std::uint64_t size) {
  bytes_.resize(size, '\0');
  pending_.emplace_back(Truncate{size});
}

void DiskFile::set_attributes(Attributes attributes) { attributes_ = attributes; }

bool DiskFile::same_attributes() const {
  return attributes_.mode == safe_attributes_.mode && attributes_.owner == safe_attributes_.owner &&
         attributes_.group == safe_attributes_.group;
}

void DiskFile::sync() {
  for (Change const& change : pending_) {
    if (auto const* write = std::get_if<Write>(&change)) {
      put(safe_, write->offset, write->text);
    } else {
      safe_.resize(std::get<Truncate>(change).size, '\0');
    }
  }
  pending_.clear();
  safe_attributes_ = attributes_;
}

void DiskFile::lose_power(providers::Random& chance) {
  if (synced()) return;
  enum Fate : std::uint64_t { nothing, all, first_part, sectors_of_512, sectors_of_4096, fates };
  switch (static_cast<Fate>(chance.below(fates))) {
    case nothing:
    case fates:
      break;
    case all:
      sync();
      break;
    case first_part:
      keep_first_part(chance);
      break;
    case sectors_of_512:
      keep_sectors(chance, 512);
      break;
    case sectors_of_4096:
      keep_sectors(chance, 4096);
      break;
  }
  if (chance.below(2) == 0) safe_attributes_ = attributes_;
  attributes_ = safe_attributes_;
  bytes_ = safe_;
  pending_.clear();
}

void DiskFile::keep_first_part(providers::Random& chance) {
  if (pending_.empty()) return;
  std::uint64_t const whole = chance.below(pending_.size());
  for (std::uint64_t i = 0; i < whole; ++i) {
    if (auto const* write = std::get_if<Write>(&pending_[i])) {
      put(safe_, write->offset, write->text);
    } else {
      safe_.resize(std::get<Truncate>(pending_[i]).size, '\0');
    }
  }
  if (auto const* torn = std::get_if<Write>(&pending_[whole])) {
    put(safe_, torn->offset, std::string_view(torn->text).substr(0, chance.below(torn->text.size() + 1)));
  }
}

void DiskFile::keep_sectors(providers::Random& chance, std::uint64_t sector) {
  for (Change const& change : pending_) {
    auto const* write = std::get_if<Write>(&change);
    if (write == nullptr) {
      if (chance.below(2) == 0) safe_.resize(std::get<Truncate>(change).size, '\0');
      continue;
    }
    std::uint64_t const end = write->offset + write->text.size();
    for (std::uint64_t at = write->offset; at < end;) {
      std::uint64_t const next = std::min(end, (at / sector + 1) * sector);
      if (chance.below(2) == 0) {
        put(safe_, at, std::string_view(write->text).substr(at - write->offset, next - at));
      }
      at = next;
    }
  }
}

}  // namespace rekeyd::simulation

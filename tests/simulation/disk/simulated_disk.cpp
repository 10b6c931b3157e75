#include "tests/simulation/disk/simulated_disk.hpp"

#include "tests/simulation/disk/sqlite_vfs.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>

#include <unistd.h>

namespace rekeyd::simulation {
namespace {

constexpr std::string_view roots = "/simulated-disk/";

std::map<int, SimulatedDisk*>& disks() {
  static std::map<int, SimulatedDisk*> all;
  return all;
}

/// The lowest that is free, so that a run of a seed names its disk the same every time.
int free_number() {
  int number = 1;
  while (disks().contains(number)) ++number;
  return number;
}

std::uint64_t next_life() {
  static std::uint64_t last = 0;
  return ++last;
}

}  // namespace

SimulatedDisk::SimulatedDisk(std::uint64_t seed) : chance_(seed), life_(next_life()) {
  int const number = free_number();
  root_ = fmt::format("{}{}", roots, number);
  vfs_name_ = fmt::format("simulated-disk-{}", number);
  disks().emplace(number, this);
  folders_.emplace(root_.native(), std::make_unique<DiskFolder>(++last_number_));
  sqlite_ = std::make_unique<SqliteVfs>(*this, vfs_name_);
}

SimulatedDisk::~SimulatedDisk() {
  std::erase_if(disks(), [this](auto const& entry) { return entry.second == this; });
}

SimulatedDisk* SimulatedDisk::of(std::string_view path) {
  if (!path.starts_with(roots)) return nullptr;
  path.remove_prefix(roots.size());
  int number = 0;
  auto const [rest, problem] = std::from_chars(path.data(), path.data() + path.size(), number);
  if (problem != std::errc() || (rest != path.data() + path.size() && *rest != '/')) return nullptr;
  auto const found = disks().find(number);
  return found == disks().end() ? nullptr : found->second;
}

void SimulatedDisk::make_folder(std::filesystem::path const& path) {
  if (folder(path) != nullptr) return;
  if (of(path) != this) throw std::logic_error("not on this disk: " + path.native());
  make_folder(path.parent_path());
  folder(path.parent_path())->folders.insert(path.filename().native());
  folders_.emplace(path.native(), std::make_unique<DiskFolder>(++last_number_));
}

void SimulatedDisk::put(std::filesystem::path const& path, std::string_view text) {
  DiskFolder* const in = folder(path.parent_path());
  if (in == nullptr) throw std::logic_error("no such folder: " + path.parent_path().native());
  std::shared_ptr<DiskFile> there = in->find(path.filename().native());
  if (!there) {
    there = std::make_shared<DiskFile>(++last_number_, DiskFile::Attributes{0600, ::geteuid(), ::getegid()});
    files_.emplace(there->number(), there);
    in->put(path.filename().native(), there);
    in->sync();
  }
  there->truncate(0);
  there->write(0, text);
  there->sync();
  changed_[there->number()] = ++changes_;
}

void SimulatedDisk::take_away(std::filesystem::path const& path) {
  DiskFolder* const in = folder(path.parent_path());
  if (in == nullptr || !in->find(path.filename().native())) return;
  in->remove(path.filename().native());
  in->sync();
}

std::optional<std::string> SimulatedDisk::text_of(std::filesystem::path const& path) const {
  auto const there = file(path);
  return there ? std::optional(there->bytes()) : std::nullopt;
}

std::vector<std::string> SimulatedDisk::names_in(std::filesystem::path const& path) const {
  std::vector<std::string> names;
  auto const in = folders_.find(path.native());
  if (in == folders_.end()) return names;
  for (auto const& [name, unused] : in->second->names()) names.push_back(name);
  return names;
}

void SimulatedDisk::begin_life() {
  life_ = next_life();
  dead_ = false;
  dies_at_ = std::numeric_limits<std::uint64_t>::max();
  sqlite_->forget_open_files();
}

void SimulatedDisk::power_cut() {
  for (auto const& [path, in] : folders_) in->lose_power(chance_);
  for (auto const& [number, known] : files_) {
    if (auto const there = known.lock()) there->lose_power(chance_);
    changed_[number] = ++changes_;
  }
  begin_life();
  std::erase_if(files_, [](auto const& entry) { return entry.second.expired(); });
}

void SimulatedDisk::kill_process() { begin_life(); }

int SimulatedDisk::readable() const { return dead_ ? EIO : 0; }

void SimulatedDisk::touch_lock() {
  if (dead_) return;
  on_boundary(Boundary::lock);
  if (dies_at_ == 0) dead_ = true;
}

int SimulatedDisk::operate() {
  if (!dead_) on_boundary(Boundary::change);
  if (operations_ + 1 >= dies_at_) dead_ = true;
  if (dead_) return EIO;
  ++operations_;
  return 0;
}

DiskFolder* SimulatedDisk::folder(std::filesystem::path const& path) {
  auto const found = folders_.find(path.native());
  return found == folders_.end() ? nullptr : found->second.get();
}

std::shared_ptr<DiskFile> SimulatedDisk::file(std::filesystem::path const& path) const {
  auto const in = folders_.find(path.parent_path().native());
  return in == folders_.end() ? nullptr : in->second->find(path.filename().native());
}

int SimulatedDisk::create(DiskFolder& folder, std::string const& name, mode_t mode,
                          std::shared_ptr<DiskFile>& made) {
  if (full_ && !dead_) return ENOSPC;
  if (int const error = operate()) return error;
  made = std::make_shared<DiskFile>(++last_number_, DiskFile::Attributes{mode, ::geteuid(), ::getegid()});
  files_.emplace(made->number(), made);
  folder.put(name, made);
  changed_[made->number()] = changed_[folder.number()] = ++changes_;
  return 0;
}

int SimulatedDisk::write(DiskFile& file, std::uint64_t offset, std::string_view text) {
  if (full_ && !dead_ && offset + text.size() > file.bytes().size()) return ENOSPC;
  if (int const error = operate()) return error;
  file.write(offset, text);
  changed_[file.number()] = ++changes_;
  return 0;
}

int SimulatedDisk::truncate(DiskFile& file, std::uint64_t size) {
  if (full_ && !dead_ && size > file.bytes().size()) return ENOSPC;
  if (int const error = operate()) return error;
  file.truncate(size);
  changed_[file.number()] = ++changes_;
  return 0;
}

int SimulatedDisk::set_attributes(DiskFile& file, DiskFile::Attributes attributes) {
  if (int const error = operate()) return error;
  file.set_attributes(attributes);
  changed_[file.number()] = ++changes_;
  return 0;
}

int SimulatedDisk::sync(DiskFile& file) {
  if (int const error = operate()) return error;
  if (!lies_) file.sync();
  return 0;
}

int SimulatedDisk::sync(DiskFolder& folder) {
  if (int const error = operate()) return error;
  if (!lies_) folder.sync();
  return 0;
}

int SimulatedDisk::sync_all() {
  if (int const error = operate()) return error;
  if (lies_) return 0;
  for (auto const& [number, file] : files_) {
    if (auto const living = file.lock()) living->sync();
  }
  for (auto const& [path, folder] : folders_) folder->sync();
  return 0;
}

int SimulatedDisk::rename(DiskFolder& folder, std::string const& from, std::string const& to) {
  auto const moved = folder.find(from);
  if (!dead_ && !moved) return ENOENT;
  if (int const error = operate()) return error;
  folder.rename(from, to);
  changed_[moved->number()] = changed_[folder.number()] = ++changes_;
  return 0;
}

int SimulatedDisk::remove(DiskFolder& folder, std::string const& name) {
  if (!dead_ && !folder.find(name)) return ENOENT;
  if (int const error = operate()) return error;
  folder.remove(name);
  changed_[folder.number()] = ++changes_;
  return 0;
}

std::uint64_t SimulatedDisk::changed(std::uint64_t number) const {
  auto const found = changed_.find(number);
  return found == changed_.end() ? 0 : found->second;
}

}  // namespace rekeyd::simulation

#include "providers/dek/envelope_index.hpp"

#include "providers/dek/atomic_replacement.hpp"
#include "providers/dek/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>

namespace rekeyd::providers {
namespace {

constexpr int depth_max = 64;

bool is_envelope_name(std::string_view name) { return name.ends_with(".json"); }

bool is_ignored(std::string_view name) { return name.starts_with('.') || name == "lost+found"; }

/// Where a link leads, relative to the root, if that is a place that is visited under its own name.
bool leads_to_visited_place(std::filesystem::path const& link, std::filesystem::path const& root) {
  std::error_code error;
  std::filesystem::path const target = std::filesystem::canonical(link, error);
  if (error) return false;
  std::filesystem::path const home = std::filesystem::canonical(root, error);
  if (error) return false;
  bool const visited = std::filesystem::is_directory(target, error) || is_envelope_name(target.native());
  std::filesystem::path const inside = target.lexically_relative(home);
  return visited && std::ranges::none_of(inside, [](std::filesystem::path const& part) {
           return part != "." && is_ignored(part.native());
         });
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<void> EnvelopeIndex::refresh() {
  ++generation_;
  errors_.clear();
  Result<Folder> root = open_root(root_);
  if (!root) fail(std::move(root.error()));
  if (root) {
    if (auto same = check_same_root(*root); !same) fail(std::move(same.error()));
    if (errors_.empty()) visit(*root, "", 0);
  }
  if (!errors_.empty()) return std::unexpected(errors_.front());
  sweep();
  return {};
}

/// A folder that held DEKs and is another, empty one now is far more likely a file system that is not mounted
/// than a fleet of DEKs that went: taking it at its word would let their key versions be retired.
Result<void> EnvelopeIndex::check_same_root(Folder const& root) {
  struct stat status{};
  if (::fstat(root.fd.get(), &status) != 0) return std::unexpected(file_error(errno, "look at", root.path));
  FileIdentity const now = identity_of(status);
  bool const other =
      root_identity_ && (root_identity_->device != now.device || root_identity_->inode != now.inode);
  if (other && !by_group_.empty()) {
    Listing present;
    if (!list(root, present)) return {};  // Which has told its error.
    if (present.files.empty() && present.folders.empty()) {
      return std::unexpected(file_refusal(
          ErrorClass::storage, "the folder was replaced by an empty one, and it held wrapped DEKs before",
          root.path, "mount its file system again; if it is really meant to be empty, restart rekeyd"));
    }
  }
  if (other) listings_.clear();
  root_identity_ = now;
  return {};
}

void EnvelopeIndex::visit(Folder const& folder, std::string const& prefix, int depth) {
  if (depth > depth_max) {
    return fail(file_refusal(ErrorClass::storage, fmt::format("folders are nested deeper than {}", depth_max),
                             folder.path, "look for a folder that is mounted inside itself"));
  }
  Listing* const here = listing(folder, prefix);
  if (here == nullptr) return;
  for (Entry& entry : here->files) visit_file(folder, prefix, entry);
  for (std::string const& name : here->links) visit_link(folder, prefix, name);
  for (std::string const& name : here->folders) visit_folder(folder, prefix, name, depth);
}

EnvelopeIndex::Listing* EnvelopeIndex::listing(Folder const& folder, std::string const& prefix) {
  struct stat status{};
  if (::fstat(folder.fd.get(), &status) != 0) {
    fail(file_error(errno, "look at", folder.path));
    return nullptr;
  }
  FileIdentity const now = identity_of(status);
  Listing& known = listings_[prefix];
  known.seen = generation_;
  if (known.settled && known.identity == now) return &known;
  Listing fresh;
  fresh.identity = now;
  fresh.settled = older_than_newest(now);
  fresh.seen = generation_;
  if (!list(folder, fresh)) {
    known.settled = false;
    return nullptr;
  }
  for (Entry& entry : fresh.files) {
    if (auto const file = files_.find(prefix + entry.name); file != files_.end()) entry.file = &file->second;
  }
  known = std::move(fresh);
  return &known;
}

bool EnvelopeIndex::list(Folder const& folder, Listing& listing) {
  ++folders_listed_;
  // A descriptor of its own: reading a directory moves the descriptor's position.
  int const fd = ::openat(folder.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, CloseDirectory> const directory(fd < 0 ? nullptr : ::fdopendir(fd));
  if (!directory) {
    fail(file_error(errno, "list the folder", folder.path));
    if (fd >= 0) ::close(fd);
    return false;
  }
  for (;;) {
    errno = 0;
    dirent const* const entry =
        ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (is_leftover_name(name)) ::unlinkat(folder.fd.get(), name.c_str(), 0);
    if (is_ignored(name)) continue;
    struct stat status{};
    mode_t mode = DTTOIF(static_cast<mode_t>(entry->d_type));
    if (entry->d_type == DT_UNKNOWN && ::fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
      mode = status.st_mode;
    if (S_ISDIR(mode))
      listing.folders.push_back(std::move(name));
    else if (S_ISLNK(mode))
      listing.links.push_back(std::move(name));
    else if (S_ISREG(mode) && is_envelope_name(name))
      listing.files.push_back({.name = std::move(name), .file = nullptr});
  }
  if (errno == 0) return true;
  fail(file_error(errno, "list the folder", folder.path));
  return false;
}

void EnvelopeIndex::visit_folder(Folder const& folder, std::string const& prefix, std::string const& name,
                                 int depth) {
  Result<Folder> inner = open_folder(folder, name);
  if (inner) return visit(*inner, prefix + name + "/", depth + 1);
  // Gone since the listing: its files are swept with it.
  if (inner.error().error_class != ErrorClass::not_found) fail(std::move(inner.error()));
}

void EnvelopeIndex::visit_link(Folder const& folder, std::string const& prefix, std::string const& name) {
  std::filesystem::path const link = folder.path / name;
  std::error_code error;
  bool const matters = is_envelope_name(name) || std::filesystem::is_directory(link, error);
  if (!matters || leads_to_visited_place(link, root_)) return;
  File defective;
  defective.seen = generation_;
  defective.defect = {
      .place = printable(link.native()),
      .what =
          "a symbolic link that does not lead to an envelope inside the store's folder; it is not "
          "followed: put the files here, or make their folder a store of its own"};
  put(prefix + name, std::move(defective));
}

void EnvelopeIndex::visit_file(Folder const& folder, std::string const& prefix, Entry& entry) {
  struct stat status{};
  if (::fstatat(folder.fd.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return fail(file_error(errno, "look at", folder.path / entry.name));
    entry.file = nullptr;  // It is swept.
    return;
  }
  File* const known = entry.file;
  if (known != nullptr && known->settled && known->identity == identity_of(status))
    known->seen = generation_;
  else
    entry.file = read(folder, prefix + entry.name, entry.name);
}

EnvelopeIndex::File* EnvelopeIndex::read(Folder const& folder, std::string const& path,
                                         std::string const& name) {
  ++files_parsed_;
  std::string const place = printable((folder.path / name).native());
  File file;
  file.seen = generation_;
  Result<FileText> const content = read_file(folder, name, envelope_bytes_max);
  if (!content) {
    if (content.error().error_class == ErrorClass::not_found) return nullptr;
    file.defect = {.place = place, .what = content.error().what + "; " + content.error().remedy};
    return put(path, std::move(file));
  }
  file.identity = content->identity;
  file.settled = older_than_newest(content->identity);
  auto const envelope = read_envelope(content->text);
  bool const presentable = is_printable_name(path);
  if (envelope && presentable) {
    file.group = group_of(envelope->dek.key);
    file.version = envelope->dek.version;
  }
  if (!envelope) {
    file.defect = {.place = fmt::format("{}:{}", place, envelope.error().line),
                   .what = envelope.error().what};
  } else if (!presentable) {
    file.defect = {.place = place,
                   .what = "its name is not printable UTF-8, expected a name that a report can show"};
  } else if (content->status.st_nlink > 1) {
    file.defect = {
        .place = place,
        .what = fmt::format("has {} hard links, expected one: a new file in its place would part them",
                            content->status.st_nlink)};
  }
  return put(path, std::move(file));
}

EnvelopeIndex::File* EnvelopeIndex::put(std::string const& path, File file) {
  auto const [place, inserted] = files_.try_emplace(path);
  if (!inserted) unlist(place);
  place->second = std::move(file);
  if (!place->second.defect.what.empty()) defects_[path] = place->second.defect;
  if (!place->second.group.empty()) by_group_[place->second.group][place->first] = &place->second;
  return &place->second;
}

/// Takes a file out of everything that is found by its content.
void EnvelopeIndex::unlist(Files::iterator file) {
  defects_.erase(file->first);
  auto const group = by_group_.find(file->second.group);
  if (group == by_group_.end()) return;
  group->second.erase(file->first);
  if (group->second.empty()) by_group_.erase(group);
}

void EnvelopeIndex::sweep() {
  for (auto file = files_.begin(); file != files_.end();) {
    auto const current = file++;
    if (current->second.seen == generation_) continue;
    unlist(current);
    files_.erase(current);
  }
  std::erase_if(listings_, [this](auto const& entry) { return entry.second.seen != generation_; });
}

void EnvelopeIndex::fail(Error error) { errors_.push_back(std::move(error)); }

bool EnvelopeIndex::older_than_newest(FileIdentity const& identity) {
  FileStamp& newest = newest_[identity.device];
  bool const older = identity.changed < newest;
  newest = std::max(newest, identity.changed);
  return older;
}

std::vector<std::string> EnvelopeIndex::files_of(KeyRef const& key, std::string const& after,
                                                 std::size_t limit) const {
  std::vector<std::string> paths;
  auto const group = by_group_.find(group_of(key));
  if (group == by_group_.end()) return paths;
  for (auto path = group->second.upper_bound(after); path != group->second.end() && paths.size() < limit;
       ++path) {
    paths.emplace_back(path->first);
  }
  return paths;
}

std::vector<std::string> EnvelopeIndex::one_of_each_folder(KeyRef const& key) const {
  auto const group = by_group_.find(group_of(key));
  if (group == by_group_.end()) return {};
  std::map<std::string_view, std::string_view> first;
  for (auto const& [path, file] : group->second) {
    first.emplace(path.substr(0, path.rfind('/') + 1), path);
  }
  std::vector<std::string> paths;
  for (auto const& [folder, path] : first) paths.emplace_back(path);
  return paths;
}

std::size_t EnvelopeIndex::count_not_on(KeyRef const& key, VersionId const& version) const {
  auto const group = by_group_.find(group_of(key));
  if (group == by_group_.end()) return 0;
  auto const is_behind = [&version](auto const& file) { return file.second->version != version; };
  return static_cast<std::size_t>(std::ranges::count_if(group->second, is_behind));
}

std::vector<DekDefect> EnvelopeIndex::defects() const {
  std::vector<DekDefect> all;
  all.reserve(errors_.size() + defects_.size());
  for (Error const& error : errors_)
    all.push_back({.place = error.where, .what = error.what + "; " + error.remedy});
  for (auto const& [path, defect] : defects_) all.push_back(defect);
  return all;
}

}  // namespace rekeyd::providers

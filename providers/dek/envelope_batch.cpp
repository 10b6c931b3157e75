#include "providers/dek/envelope_batch.hpp"

#include "providers/dek/atomic_replacement.hpp"
#include "providers/dek/envelope.hpp"
#include "providers/dek/envelope_file.hpp"
#include "providers/dek/envelope_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace rekeyd::providers {
namespace {

/// The folders of a batch, each opened once.
using Folders = std::map<std::filesystem::path, std::unique_ptr<Folder>>;

/// One replacement on its way.
struct Item {
  Folder const* folder{};
  std::string name;
  /// Open until the batch is through: else the rename would throw the old content away there and then, which
  /// some disks take their time for.
  FileText old;
  bool status_tells{};  ///< A later change would show in the old file's status.
  std::optional<AtomicReplacement> file;
  Result<void> result;

  std::filesystem::path path() const { return folder->path / name; }
};

/// The new text, or why the file is not what `replacement` takes it for.
Result<std::string> new_text(FileText const& old, DekReplacement const& replacement,
                             std::filesystem::path const& path) {
  auto const envelope = read_envelope(old.text);
  if (!envelope) {
    std::string const place = fmt::format("{}:{}", path.native(), envelope.error().line);
    return std::unexpected(file_refusal(ErrorClass::conflict,
                                        "is no envelope any more: " + envelope.error().what, place,
                                        "see who changed the file"));
  }
  WrappedDek const& before = replacement.before;
  bool const same = envelope->dek.ciphertext == before.ciphertext &&
                    envelope->dek.version == before.version &&
                    group_of(envelope->dek.key) == group_of(before.key);
  if (!same) {
    return std::unexpected(file_refusal(ErrorClass::conflict,
                                        "holds another wrapped DEK than the one to be replaced", path,
                                        "nothing: it is read again and decided anew"));
  }
  std::string text = with_dek(old.text, *envelope, replacement.after);
  auto const again = read_envelope(text);
  bool const carried = again && again->dek.ciphertext == replacement.after.ciphertext &&
                       again->dek.version == replacement.after.version &&
                       again->dek.algorithm == replacement.after.algorithm &&
                       again->dek.aad == replacement.after.aad &&
                       group_of(again->dek.key) == group_of(replacement.after.key);
  if (carried) return text;
  std::string const why = again ? "the file would not say what was asked for" : again.error().what;
  return std::unexpected(file_refusal(ErrorClass::permanent,
                                      "the new wrapped DEK does not fit an envelope: " + why, path,
                                      "keep this file and report it: the old wrapped DEK is whole"));
}

Result<void> check_alone(struct stat const& status, std::filesystem::path const& path) {
  if (status.st_nlink == 1) return {};
  return std::unexpected(
      file_refusal(ErrorClass::storage,
                   fmt::format("has {} hard links: a new file in its place would part them", status.st_nlink),
                   path, "give it one name; rekeyd replaces files, it does not write into them"));
}

/// Does `work` to every item and returns when all is done. Several at once: a disk takes so many flushes in
/// little more time than one. The threads share nothing but the next number; where no thread is to be had,
/// there are fewer.
template <class Work>
void side_by_side(std::vector<Item>& items, std::size_t at_once_max, Work const& work) {
  std::atomic<std::size_t> next{0};
  auto const run = [&] {
    for (std::size_t i = next++; i < items.size(); i = next++) work(items[i]);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(items.size(), at_once_max)) others.emplace_back(run);
  } catch (std::system_error const&) {
    // The threads there are do it all.
  }
  run();
}

class Batch {
 public:
  Batch(std::filesystem::path const& root, BatchFlush& together, std::size_t at_once)
      : together_(together), at_once_(at_once), root_(open_root(root)) {}

  void prepare(DekReplacement const& replacement) {
    Item& item = items_.emplace_back();
    std::filesystem::path const id(replacement.before.id.str());
    if (id.empty() || id != replacement.after.id.str() || !seen_.insert(id).second) {
      item.result =
          std::unexpected(file_refusal(ErrorClass::conflict, "is named twice in one batch, or by two ids", id,
                                       "nothing: it is read again and decided anew"));
      return;
    }
    item.result = write_beside(item, replacement, id);
  }
  void flush() {
    std::map<dev_t, bool> flushed;
    for (auto const& [device, written] : written_) {
      flushed[device] = together_.all_of(*written.folder, written.files);
    }
    side_by_side(items_, at_once_, [&flushed](Item& item) {
      if (item.result && !flushed.at(item.file->device())) item.result = item.file->flush();
    });
  }
  void commit() {
    for (Item& item : items_) {
      if (item.result) item.result = commit(item);
    }
  }
  std::vector<Result<void>> finish() {
    std::map<Folder const*, Result<void>> flushed;
    std::vector<Result<void>> results;
    for (Item& item : items_) {
      if (item.result && !flushed.contains(item.folder)) flushed[item.folder] = flush_folder(*item.folder);
      if (item.result) item.result = flushed[item.folder];
      results.push_back(std::move(item.result));
    }
    side_by_side(items_, at_once_, [](Item& item) {
      item.file.reset();
      item.old.fd = {};
    });
    return results;
  }

 private:
  Result<Folder const*> folder_of(std::filesystem::path const& id) {
    if (!root_) return std::unexpected(root_.error());
    std::unique_ptr<Folder>& known = folders_[id.parent_path()];
    if (known) return known.get();
    Result<Folder> opened = open_folder_of(*root_, id);
    if (!opened) return std::unexpected(std::move(opened.error()));
    known = std::make_unique<Folder>(std::move(*opened));
    return known.get();
  }
  Result<void> write_beside(Item& item, DekReplacement const& replacement, std::filesystem::path const& id) {
    Result<Folder const*> const folder = folder_of(id);
    if (!folder) return std::unexpected(folder.error());
    item.folder = *folder;
    item.name = id.filename().native();
    Result<FileText> old = read_file(*item.folder, item.name, envelope_bytes_max);
    if (!old) return std::unexpected(std::move(old.error()));
    item.old = std::move(*old);
    if (auto alone = check_alone(item.old.status, item.path()); !alone) return alone;
    Result<std::string> const text = new_text(item.old, replacement, item.path());
    if (!text) return std::unexpected(text.error());
    item.status_tells = status_tells(item);
    auto file = AtomicReplacement::prepare(*item.folder, item.name, item.old, *text);
    if (!file) return std::unexpected(std::move(file.error()));
    Written& written = written_[file->device()];
    if (written.folder == nullptr) written.folder = item.folder;
    ++written.files;
    written.newest = std::max(written.newest, file->made());
    item.file.emplace(std::move(*file));
    return {};
  }
  /// A file older than one that was made before it was read cannot be changed within its own tick any more.
  bool status_tells(Item const& item) {
    auto const written = written_.find(item.old.identity.device);
    return written != written_.end() && item.old.identity.changed < written->second.newest &&
           is_known(*item.folder);
  }
  bool is_known(Folder const& folder) {
    auto const [known, fresh] = known_.try_emplace(&folder, false);
    if (fresh) known->second = is_on_known_file_system(folder);
    return known->second;
  }
  static Result<void> commit(Item& item) {
    Result<bool> const unchanged = item.status_tells ? has_same_status(item) : has_same_text(item);
    if (!unchanged) return std::unexpected(unchanged.error());
    if (*unchanged) return item.file->commit();
    return std::unexpected(file_refusal(ErrorClass::conflict,
                                        "was changed by somebody else while it was being replaced",
                                        item.path(), "nothing: it is read again and decided anew"));
  }
  static Result<bool> has_same_status(Item const& item) {
    struct stat now{};
    if (::fstatat(item.folder->fd.get(), item.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0)
      return std::unexpected(file_error(errno, "look at", item.path()));
    if (auto alone = check_alone(now, item.path()); !alone) return std::unexpected(alone.error());
    return identity_of(now) == item.old.identity;
  }
  static Result<bool> has_same_text(Item const& item) {
    Result<FileText> const now = read_file(*item.folder, item.name, envelope_bytes_max);
    if (!now) return std::unexpected(now.error());
    if (auto alone = check_alone(now->status, item.path()); !alone) return std::unexpected(alone.error());
    return now->text == item.old.text;
  }

  /// What the batch has put on one file system so far.
  struct Written {
    Folder const* folder{};
    std::size_t files{};
    FileStamp newest;
  };

  BatchFlush& together_;
  std::size_t at_once_;
  Result<Folder> root_;
  Folders folders_;
  std::set<std::filesystem::path> seen_;
  std::vector<Item> items_;
  std::map<dev_t, Written> written_;
  std::map<Folder const*, bool> known_;
};

}  // namespace

std::vector<Result<void>> replace_envelopes(std::filesystem::path const& root,
                                            std::span<DekReplacement const> batch, BatchFlush& flush,
                                            std::size_t at_once) {
  // Twice so many files are open at once.
  static constexpr std::size_t slice_max = 200;
  std::vector<Result<void>> results;
  while (!batch.empty()) {
    std::span<DekReplacement const> const slice = batch.first(std::min(batch.size(), slice_max));
    Batch work(root, flush, at_once);
    for (DekReplacement const& replacement : slice) work.prepare(replacement);
    work.flush();
    work.commit();
    std::ranges::move(work.finish(), std::back_inserter(results));
    batch = batch.subspan(slice.size());
  }
  return results;
}

Result<void> rehearse_replacement(std::filesystem::path const& root, DekId const& id) {
  std::filesystem::path const relative(id.str());
  Result<Folder> const top = open_root(root);
  if (!top) return std::unexpected(top.error());
  Result<Folder> const folder = open_folder_of(*top, relative);
  if (!folder) return std::unexpected(folder.error());
  std::string const name = relative.filename().native();
  Result<FileText> const old = read_file(*folder, name, envelope_bytes_max);
  if (!old && old.error().error_class == ErrorClass::not_found) return {};
  if (!old) return std::unexpected(old.error());
  auto const made = AtomicReplacement::prepare(*folder, name, *old, old->text);
  if (!made) return std::unexpected(made.error());
  return {};
}

}  // namespace rekeyd::providers

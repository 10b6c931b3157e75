#include "providers/dek/envelope_batch.hpp"

#include "providers/dek/atomic_replacement.hpp"
#include "providers/dek/envelope.hpp"
#include "providers/dek/envelope_file.hpp"
#include "providers/dek/envelope_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace rekeyd::providers {
namespace {

/// The folders of a batch, each opened once.
using Folders = std::map<std::filesystem::path, std::unique_ptr<Folder>>;

/// One replacement on its way.
struct Item {
  Folder const* folder{};
  std::string name;
  std::string old_text;
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

Result<void> check_alone(FileText const& old, std::filesystem::path const& path) {
  if (old.status.st_nlink == 1) return {};
  return std::unexpected(file_refusal(
      ErrorClass::storage,
      fmt::format("has {} hard links: a new file in its place would part them", old.status.st_nlink), path,
      "give it one name; rekeyd replaces files, it does not write into them"));
}

/// Does `work` to every item and returns when all is done. Several at once: one after the other the flushes
/// cost ten times the rest of a rewrap. The threads share nothing but the next number; where no thread is to
/// be had, there are fewer.
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
  Batch(std::filesystem::path const& root, std::size_t at_once) : at_once_(at_once), root_(open_root(root)) {}

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
    side_by_side(items_, at_once_, [](Item& item) {
      if (item.result) item.result = item.file->flush();
    });
  }
  void commit() {
    side_by_side(items_, at_once_, [](Item& item) {
      if (item.result) item.result = commit(item);
      item.file.reset();
    });
  }
  std::vector<Result<void>> finish() {
    std::map<Folder const*, Result<void>> flushed;
    std::vector<Result<void>> results;
    for (Item& item : items_) {
      if (item.result && !flushed.contains(item.folder)) flushed[item.folder] = flush_folder(*item.folder);
      if (item.result) item.result = flushed[item.folder];
      results.push_back(std::move(item.result));
    }
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
    if (auto alone = check_alone(*old, item.path()); !alone) return alone;
    Result<std::string> const text = new_text(*old, replacement, item.path());
    if (!text) return std::unexpected(text.error());
    auto file = AtomicReplacement::prepare(*item.folder, item.name, *old, *text);
    if (!file) return std::unexpected(std::move(file.error()));
    item.file.emplace(std::move(*file));
    item.old_text = std::move(old->text);
    return {};
  }
  static Result<void> commit(Item& item) {
    Result<FileText> const now = read_file(*item.folder, item.name, envelope_bytes_max);
    if (!now) return std::unexpected(now.error());
    if (auto alone = check_alone(*now, item.path()); !alone) return alone;
    if (now->text == item.old_text) return item.file->commit();
    return std::unexpected(file_refusal(ErrorClass::conflict,
                                        "was changed by somebody else while it was being replaced",
                                        item.path(), "nothing: it is read again and decided anew"));
  }

  std::size_t at_once_;
  Result<Folder> root_;
  Folders folders_;
  std::set<std::filesystem::path> seen_;
  std::vector<Item> items_;
};

}  // namespace

std::vector<Result<void>> replace_envelopes(std::filesystem::path const& root,
                                            std::span<DekReplacement const> batch, std::size_t at_once) {
  // So many files are open at once.
  static constexpr std::size_t slice_max = 128;
  std::vector<Result<void>> results;
  while (!batch.empty()) {
    std::span<DekReplacement const> const slice = batch.first(std::min(batch.size(), slice_max));
    Batch work(root, at_once);
    for (DekReplacement const& replacement : slice) work.prepare(replacement);
    work.flush();
    work.commit();
    std::ranges::move(work.finish(), std::back_inserter(results));
    batch = batch.subspan(slice.size());
  }
  return results;
}

}  // namespace rekeyd::providers

#include "providers/dek/envelope_directory.hpp"

#include "providers/dek/atomic_replacement.hpp"
#include "providers/dek/envelope.hpp"
#include "providers/dek/envelope_batch.hpp"
#include "providers/dek/envelope_file.hpp"
#include "providers/dek/envelope_index.hpp"
#include "providers/dek/store_thread.hpp"
#include "providers/system/system_clock.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

namespace rekeyd::providers {
namespace {

/// The folder a reading went to last: files of one folder come one after the other.
class LastFolder {
 public:
  explicit LastFolder(Folder const& root) : root_(root) {}

  Result<Folder const*> of(std::filesystem::path const& relative) {
    std::filesystem::path parent = relative.parent_path();
    if (folder_ && parent == parent_) return &*folder_;
    folder_.reset();
    Result<Folder> opened = open_folder_of(root_, relative);
    if (!opened) return std::unexpected(std::move(opened.error()));
    folder_.emplace(std::move(*opened));
    parent_ = std::move(parent);
    return &*folder_;
  }

 private:
  Folder const& root_;
  std::filesystem::path parent_;
  std::optional<Folder> folder_;
};

class EnvelopeDirectory final : public DekStore {
 public:
  EnvelopeDirectory(DekStoreName name, std::filesystem::path root, std::size_t at_once)
      : name_(std::move(name)),
        root_(std::move(root)),
        at_once_(at_once),
        flush_(at_once > 1 ? make_system_clock() : nullptr),
        index_(root_),
        thread_(at_once > 1) {
    // Cleans up after a crash and finds the defects; an error comes again from the first walk.
    if (auto const fresh = refresh(); !fresh) return;
  }

  DekStoreName const& name() const override { return name_; }
  std::vector<DekDefect> defects() const override {
    std::lock_guard const lock(defects_mutex_);
    return defects_;
  }

  boost::asio::awaitable<Result<DekPage>> walk(KeyRef key, std::string cursor, std::size_t limit) override {
    auto page_of = [this, key = std::move(key), cursor = std::move(cursor), limit] {
      return page(key, cursor, std::max<std::size_t>(limit, 1));
    };
    return thread_.run<Result<DekPage>>(std::move(page_of));
  }

  boost::asio::awaitable<Result<std::size_t>> left_behind(KeyRef key, VersionId target) override {
    auto count = [this, key = std::move(key), target = std::move(target)] {
      return count_left_behind(key, target);
    };
    return thread_.run<Result<std::size_t>>(std::move(count));
  }

  boost::asio::awaitable<std::vector<Result<void>>> replace(std::vector<DekReplacement> batch) override {
    auto replace_them = [this, batch = std::move(batch)] {
      return replace_envelopes(root_, batch, flush_, at_once_);
    };
    return thread_.run<std::vector<Result<void>>>(std::move(replace_them));
  }

  boost::asio::awaitable<Result<void>> rehearse(KeyRef key) override {
    auto try_folders = [this, key = std::move(key)] { return rehearse_folders(key); };
    return thread_.run<Result<void>>(std::move(try_folders));
  }

 private:
  /// With one file of each folder: what differs from file to file comes out when it is its turn.
  Result<void> rehearse_folders(KeyRef const& key) {
    if (auto fresh = refresh(); !fresh) return fresh;
    for (std::string const& path : index_.one_of_each_folder(key)) {
      if (auto well = rehearse_replacement(root_, DekId(path)); !well) return well;
    }
    return {};
  }

  /// A life that ended between the renaming of new files and the flush of their folder has left names that a
  /// loss of power takes back. Whoever reads now that a WDEK has been moved must not see it return.
  Result<void> flush_names(Folder const& root, KeyRef const& key) {
    for (std::string const& path : index_.one_of_each_folder(key)) {
      Result<Folder> const folder = open_folder_of(root, path);
      if (!folder && folder.error().error_class == ErrorClass::not_found) continue;
      if (!folder) return std::unexpected(folder.error());
      if (auto flushed = flush_folder(*folder); !flushed) return flushed;
    }
    return {};
  }

  Result<void> refresh() {
    Result<void> fresh = index_.refresh();
    std::vector<DekDefect> found = index_.defects();
    std::lock_guard const lock(defects_mutex_);
    defects_ = std::move(found);
    return fresh;
  }

  Result<std::size_t> count_left_behind(KeyRef const& key, VersionId const& target) {
    if (auto fresh = refresh(); !fresh) return std::unexpected(std::move(fresh.error()));
    return index_.count_not_on(key, target);
  }

  Result<DekPage> page(KeyRef const& key, std::string cursor, std::size_t limit) {
    if (cursor.empty()) {
      if (auto fresh = refresh(); !fresh) return std::unexpected(std::move(fresh.error()));
    }
    Result<Folder> const root = open_root(root_);
    if (!root) return std::unexpected(root.error());
    if (cursor.empty()) {
      if (auto flushed = flush_names(*root, key); !flushed) return std::unexpected(flushed.error());
    }
    LastFolder folder(*root);
    DekPage page;
    while (page.deks.size() < limit) {
      std::vector<std::string> const paths = index_.files_of(key, cursor, limit - page.deks.size());
      if (paths.empty()) return page;
      cursor = paths.back();
      for (std::string const& path : paths) {
        Result<std::optional<WrappedDek>> dek = read(folder, key, path);
        if (!dek) return std::unexpected(std::move(dek.error()));
        if (*dek) page.deks.push_back(std::move(**dek));
      }
    }
    page.next = std::move(cursor);
    return page;
  }

  /// The WDEK in a file that held one of `key` when the index was made; nothing when it does no more. The
  /// next walk finds what became of it.
  static Result<std::optional<WrappedDek>> read(LastFolder& last, KeyRef const& key,
                                                std::string const& path) {
    std::filesystem::path const relative(path);
    Result<Folder const*> const folder = last.of(relative);
    Result<FileText> file = folder ? read_file(**folder, relative.filename().native(), envelope_bytes_max)
                                   : Result<FileText>(std::unexpected(folder.error()));
    if (!file && file.error().error_class == ErrorClass::not_found) return std::nullopt;
    if (!file) return std::unexpected(std::move(file.error()));
    auto envelope = read_envelope(file->text);
    if (!envelope || group_of(envelope->dek.key) != group_of(key)) return std::nullopt;
    envelope->dek.id = DekId(path);
    envelope->dek.key = key;
    return std::move(envelope->dek);
  }

  DekStoreName name_;
  std::filesystem::path root_;
  std::size_t at_once_;
  BatchFlush flush_;
  EnvelopeIndex index_;
  mutable std::mutex defects_mutex_;
  std::vector<DekDefect> defects_;  ///< Of the last reading, for whoever asks while another is under way.
  StoreThread thread_;              ///< Last: it has ended before the rest goes.
};

Error unusable(std::string what, DekStoreName const& name, std::filesystem::path const& root) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "dek store \"" + name.str() + "\": " + std::move(what);
  error.where = root.native();
  error.remedy = "give the absolute path of a folder in rekeyd.yaml";
  return error;
}

}  // namespace

Result<std::unique_ptr<DekStore>> make_envelope_directory(DekStoreName name, std::filesystem::path root,
                                                          std::size_t at_once) {
  if (!root.is_absolute()) return std::unexpected(unusable("the path is not absolute", name, root));
  std::error_code error;
  std::filesystem::file_status const status = std::filesystem::status(root, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    return std::unexpected(unusable("not a folder", name, root));
  }
  return std::make_unique<EnvelopeDirectory>(std::move(name), std::move(root), at_once);
}

}  // namespace rekeyd::providers

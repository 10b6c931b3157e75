#include "providers/dek/envelope_directory.hpp"

#include "providers/dek/envelope.hpp"
#include "providers/dek/envelope_batch.hpp"
#include "providers/dek/envelope_file.hpp"
#include "providers/dek/envelope_index.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace rekeyd::providers {
namespace {

class EnvelopeDirectory final : public DekStore {
 public:
  EnvelopeDirectory(DekStoreName name, std::filesystem::path root, std::size_t at_once)
      : name_(std::move(name)), root_(std::move(root)), at_once_(at_once), index_(root_) {
    // Cleans up after a crash and finds the defects; an error comes again from the first walk.
    if (auto const fresh = index_.refresh(); !fresh) return;
  }

  DekStoreName const& name() const override { return name_; }
  std::vector<DekDefect> defects() const override { return index_.defects(); }

  boost::asio::awaitable<Result<DekPage>> walk(KeyRef key, std::string cursor, std::size_t limit) override {
    co_return page(key, std::move(cursor), std::max<std::size_t>(limit, 1));
  }

  boost::asio::awaitable<std::vector<Result<void>>> replace(std::vector<DekReplacement> batch) override {
    co_return replace_envelopes(root_, batch, at_once_);
  }

 private:
  Result<DekPage> page(KeyRef const& key, std::string cursor, std::size_t limit) {
    if (cursor.empty()) {
      if (auto fresh = index_.refresh(); !fresh) return std::unexpected(std::move(fresh.error()));
    }
    Result<Folder> const root = open_root(root_);
    if (!root) return std::unexpected(root.error());
    DekPage page;
    while (page.deks.size() < limit) {
      std::vector<std::string> const paths = index_.files_of(key, cursor, limit - page.deks.size());
      if (paths.empty()) return page;
      cursor = paths.back();
      for (std::string const& path : paths) {
        Result<std::optional<WrappedDek>> dek = read(*root, key, path);
        if (!dek) return std::unexpected(std::move(dek.error()));
        if (*dek) page.deks.push_back(std::move(**dek));
      }
    }
    page.next = std::move(cursor);
    return page;
  }

  /// The WDEK in a file that held one of `key` when the index was made; nothing when it does no more. The
  /// next walk finds what became of it.
  static Result<std::optional<WrappedDek>> read(Folder const& root, KeyRef const& key,
                                                std::string const& path) {
    std::filesystem::path const relative(path);
    Result<Folder> const folder = open_folder_of(root, relative);
    Result<FileText> file = folder ? read_file(*folder, relative.filename().native(), envelope_bytes_max)
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
  EnvelopeIndex index_;
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

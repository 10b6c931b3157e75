#include "providers/material/file_source.hpp"

#include "providers/auth/secret_file.hpp"
#include "providers/dek/store_thread.hpp"
#include "providers/encoding.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <algorithm>
#include <system_error>

namespace rekeyd::providers {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr char renewal[] = "put new material there (docs/imported-keys.md says how), then `rekeyctl retry`";

/// Ids come from services: one that could leave the folder is no file's name.
bool is_file_name(std::string const& text) {
  return !text.empty() && text.front() != '.' && text.size() <= 255 &&
         std::ranges::all_of(text, [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_' || c == '.';
         });
}

Result<fs::path> file_of(fs::path const& folder, KeyRef const& key) {
  for (std::string const& part : {key.provider.str(), key.vault.str(), key.id.str()}) {
    if (!is_file_name(part)) {
      return std::unexpected(material_error("material_unfit",
                                            fmt::format("'{}' cannot be the name of a file", key.text()),
                                            folder.string(), "name another source for this key"));
    }
  }
  return folder / key.provider.str() / key.vault.str() / key.id.str();
}

/// No passphrase is known: an encrypted key cannot be opened, and nobody is asked.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<KeyMaterialPtr> pair_in(Secret const& text, std::string const& where) {
  using Memory = std::unique_ptr<BIO, Free<BIO_free>>;
  Memory const memory(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.size())));
  PrivateKey const key(PEM_read_bio_PrivateKey(memory.get(), nullptr, &no_passphrase, nullptr));
  if (key) return pair_material(*key, where);
  return std::unexpected(material_error(
      "material_malformed", "the PEM file holds no private key that can be read without a passphrase", where,
      renewal));
}

Result<KeyMaterialPtr> symmetric_in(Secret const& text, std::string const& where) {
  auto bytes = secret_from_base64(text.reveal());
  if (bytes) return symmetric_material(std::move(*bytes), where);
  return std::unexpected(material_error(
      "material_malformed", "the file holds neither a key in base64 on one line nor a private key as PEM",
      where, renewal));
}

Error unreadable(Error error, fs::path const& file) {
  std::error_code unknown;
  bool const absent = !fs::exists(file, unknown) && !unknown;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.code = absent ? "material_missing" : "material_unreadable";
  if (absent) {
    error.what = "there is no new material";
    error.remedy = renewal;
  }
  return error;
}

Result<KeyMaterialPtr> read_material(fs::path const& folder, MaterialWanted const& wanted) {
  auto const file = file_of(folder, wanted.key);
  if (!file) return std::unexpected(file.error());
  auto const text = read_secret_file(*file, CredentialShape::lines);
  if (!text) return std::unexpected(unreadable(text.error(), *file));
  std::string const where = file->string();
  bool const pem = text->reveal().find("-----BEGIN ") != std::string_view::npos;
  auto material = pem ? pair_in(*text, where) : symmetric_in(*text, where);
  if (!material) return material;
  auto const fits = check_fit(wanted, (*material)->type, where);
  if (!fits) return std::unexpected(fits.error());
  return material;
}

class FileSource final : public MaterialSource {
 public:
  explicit FileSource(FileSourceOptions options)
      : options_(std::move(options)), thread_(options_.own_thread) {}

  MaterialSourceName const& name() const override { return options_.name; }
  char const* kind() const override { return "file"; }
  bool may_repeat() const override { return true; }

  asio::awaitable<Result<KeyMaterialPtr>> look(MaterialWanted wanted, Clock::Mono deadline) override {
    return draw(std::move(wanted), deadline);
  }

  asio::awaitable<Result<KeyMaterialPtr>> draw(MaterialWanted wanted, Clock::Mono) override {
    std::function<Result<KeyMaterialPtr>()> work = [folder = options_.folder, wanted = std::move(wanted)] {
      return read_material(folder, wanted);
    };
    auto material = co_await thread_.run(std::move(work));
    co_return material;
  }

 private:
  FileSourceOptions options_;
  StoreThread thread_;
};

}  // namespace

std::unique_ptr<MaterialSource> make_file_source(FileSourceOptions options) {
  return std::make_unique<FileSource>(std::move(options));
}

}  // namespace rekeyd::providers

#include "providers/auth/secret_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::providers {
namespace {

constexpr std::size_t size_max = 16 << 10;

std::unexpected<Error> refuse(std::filesystem::path const& path, std::string what, std::string remedy,
                              ErrorClass error_class = ErrorClass::access) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = path.string();
  error.remedy = std::move(remedy);
  return std::unexpected(std::move(error));
}

class OpenFile {
 public:
  // O_NONBLOCK: a FIFO in the file's place must not hold the daemon up.
  explicit OpenFile(std::filesystem::path const& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(OpenFile const&) = delete;
  OpenFile& operator=(OpenFile const&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

char const* credentials_folder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment of a running daemon
  return std::getenv("CREDENTIALS_DIRECTORY");
}

bool guarded_by_systemd(std::filesystem::path const& path) {
  auto const* const folder = credentials_folder();
  if (folder == nullptr || *folder == '\0') return false;
  std::error_code unreadable;
  auto const real_folder = std::filesystem::canonical(folder, unreadable);
  if (unreadable) return false;
  auto const real = std::filesystem::canonical(path, unreadable);
  return !unreadable && real.parent_path() == real_folder;
}

Result<void> check(struct stat const& facts, std::filesystem::path const& path, CredentialShape shape) {
  if (!S_ISREG(facts.st_mode)) return refuse(path, "the credential is not a regular file", "name a file");
  bool const shared = (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  if (shared && shape != CredentialShape::projected_token && !guarded_by_systemd(path))
    return refuse(path,
                  fmt::format("the credential file may be used by others than its owner (mode {:04o})",
                              facts.st_mode & 07777),
                  fmt::format("run: chmod 600 {}", path.string()));
  if (static_cast<std::uint64_t>(facts.st_size) > size_max)
    return refuse(path, fmt::format("the credential file is larger than {} bytes", size_max),
                  "name the file that holds the secret alone");
  return {};
}

// Bytes read, or -1 with errno set.
ssize_t read_whole(int descriptor, std::span<std::byte> room) {
  std::size_t size = 0;
  while (size < room.size()) {
    auto const got = ::read(descriptor, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

std::string_view without_blanks(std::string_view text) {
  constexpr char const* blanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string reason(int error_number) { return std::generic_category().message(error_number); }

Result<Secret> secret_in(std::string_view text, std::filesystem::path const& path, CredentialShape shape) {
  if (text.size() > size_max) return refuse(path, "the credential file grows while it is read", "");
  bool const token = shape == CredentialShape::projected_token;
  text = token ? without_blanks(text) : without_newline(text);
  if (text.empty()) return refuse(path, "the credential file is empty", "put the secret into it");
  bool const binary = text.find('\0') != std::string_view::npos;
  bool const broken = shape != CredentialShape::lines && text.find_first_of("\r\n") != std::string_view::npos;
  if (binary || broken)
    return refuse(path, "the credential file holds more than one line or binary data",
                  "put the secret alone into it, on one line");
  return Secret(text);
}

}  // namespace

Result<Secret> read_secret_file(std::filesystem::path const& path, CredentialShape shape) {
  OpenFile const file(path);
  if (file.get() < 0)
    return refuse(path, fmt::format("cannot open the credential file: {}", reason(errno)),
                  "put the credential there, readable by the daemon's user");
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0)
    return refuse(path, fmt::format("cannot look at the credential file: {}", reason(errno)), "");
  if (auto const fit = check(facts, path, shape); !fit) return std::unexpected(fit.error());

  auto room = Secret::of_size(size_max + 1);
  auto const size = read_whole(file.get(), room.writable());
  if (size < 0) return refuse(path, fmt::format("cannot read the credential file: {}", reason(errno)), "");
  return secret_in(room.reveal().substr(0, static_cast<std::size_t>(size)), path, shape);
}

Result<std::filesystem::path> credential_path(std::string const& name) {
  auto const* const folder = credentials_folder();
  if (folder == nullptr || *folder == '\0')
    return refuse(name, "there are no systemd credentials: CREDENTIALS_DIRECTORY is not set",
                  "add LoadCredential=" + name + ":/path to the unit, or name a file instead");
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return refuse(name, "the name of a credential is one plain word", "name it as LoadCredential= does",
                  ErrorClass::permanent);
  return std::filesystem::path(folder) / name;
}

Result<Secret> read_credential(std::string const& name) {
  auto const path = credential_path(name);
  if (!path) return std::unexpected(path.error());
  return read_secret_file(*path);
}

}  // namespace rekeyd::providers

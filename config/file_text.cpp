#include "config/file_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::config {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

UnreadableFile unreadable(int error) {
  std::string hint;
  if (error == EACCES || error == EPERM) hint = "the user that runs this program must be allowed to read it";
  if (error == ENOENT) hint = "check the path";
  return {"unreadable", "cannot be read: " + std::generic_category().message(error), hint};
}

}  // namespace

UnreadableFile too_large() {
  return {"too-large", fmt::format("is larger than {} KiB and was not read", file_bytes_max / 1024),
          "split it into several files"};
}

std::expected<std::string, UnreadableFile> read_file_text(std::filesystem::path const& file) {
  // O_NONBLOCK: opening a pipe that has no writer would wait for ever.
  Descriptor const fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) return std::unexpected(unreadable(errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(unreadable(errno));
  if (S_ISDIR(status.st_mode)) return std::unexpected(unreadable(EISDIR));
  if (!S_ISREG(status.st_mode)) {
    return std::unexpected(UnreadableFile{"unreadable", "is not a regular file", ""});
  }
  if (static_cast<std::size_t>(status.st_size) > file_bytes_max) return std::unexpected(too_large());
  // One byte of room more than allowed, for a file that grows while it is read.
  std::string text(file_bytes_max + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    ssize_t const got = ::read(fd.get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(unreadable(errno));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > file_bytes_max) return std::unexpected(too_large());
  text.resize(used);
  return text;
}

}  // namespace rekeyd::config

#pragma once
#include "policy/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

namespace rekeyd::daemon {

/// A file descriptor that is closed once.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_{-1};
};

/// A listening Unix socket and its file; the file is removed with it if it is still ours.
///
/// The rights are right from the first moment: the file is made with mode 0600, given its group, and only
/// then opened to it. A lock on PATH.lock keeps two daemons that start at once from taking each other's file
/// for a dead one's; that file stays, since removing it would let a third one lock another file of the same
/// name.
class SocketFile {
 public:
  /// `group` empty: the daemon's own user only. Errors: see ControlServer::listen.
  static Result<SocketFile> listen(std::filesystem::path const& path, std::string const& group);

  SocketFile(SocketFile&&) = default;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  /// The listening descriptor, non-blocking; the caller's from now on.
  int release_descriptor() { return listening_.release(); }

  /// Removes the file now. Once.
  void remove();

 private:
  SocketFile(std::filesystem::path path, Descriptor lock, Descriptor listening);

  std::filesystem::path path_;
  Descriptor lock_;
  Descriptor listening_;
  dev_t device_{};
  ino_t inode_{};
};

/// Who is at the other end of a connected Unix socket, as the kernel recorded it when it connected.
struct Peer {
  unsigned uid{};
  std::string caller;  ///< "uid 1000 (anna)", or "uid 1000" if the user has no name here.
};
std::optional<Peer> peer_of(int connected);

}  // namespace rekeyd::daemon

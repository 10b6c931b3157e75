#include "daemon/control/socket_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace rekeyd::daemon {

namespace {

std::string words_of(int problem) { return std::generic_category().message(problem); }

Error refusal(std::filesystem::path const& path, std::string what, std::string remedy) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = std::move(what);
  error.where = path.string();
  error.remedy = std::move(remedy);
  return error;
}

Error system_refusal(std::filesystem::path const& path, char const* act, int problem) {
  Error error = refusal(path, fmt::format("cannot {} the control socket: {}", act, words_of(problem)), "");
  if (problem == EACCES || problem == EPERM) error.error_class = ErrorClass::access;
  if (problem == ENOENT || problem == ENOTDIR) {
    error.remedy =
        fmt::format("make the folder {} (RuntimeDirectory= in the unit does)", path.parent_path().string());
  } else if (problem == EACCES || problem == EPERM || problem == EROFS) {
    error.remedy = fmt::format("let rekeyd's user write to {}", path.parent_path().string());
  }
  return error;
}

Error taken(std::filesystem::path const& path) {
  Error error = refusal(path, "the control socket is taken: another rekeyd is running with it",
                        "stop the other one, or give this one a control_socket of its own");
  error.error_class = ErrorClass::conflict;
  error.code = "socket_taken";
  return error;
}

Result<sockaddr_un> address_of(std::filesystem::path const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string const text = path.string();
  if (text.empty() || text.size() >= sizeof(address.sun_path)) {
    return std::unexpected(refusal(path,
                                   fmt::format("a socket's path has 1 to {} bytes, this one {}",
                                               sizeof(address.sun_path) - 1, text.size()),
                                   "give it a shorter path"));
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

Result<std::optional<gid_t>> group_of(std::filesystem::path const& path, std::string const& group) {
  if (group.empty()) return std::nullopt;
  std::vector<char> room(16 * 1024);
  struct group entry{};
  struct group* found = nullptr;
  int const problem = getgrnam_r(group.c_str(), &entry, room.data(), room.size(), &found);
  if (found != nullptr) return entry.gr_gid;
  std::string const why = problem == 0 ? "" : ": " + words_of(problem);
  return std::unexpected(
      refusal(path, fmt::format("there is no group '{}' to open the control socket to{}", group, why),
              "make the group or mend control_group"));
}

Result<Descriptor> lock_beside(std::filesystem::path const& path) {
  std::string const name = path.string() + ".lock";
  Descriptor lock(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return std::unexpected(system_refusal(path, "lock", errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(errno == EWOULDBLOCK ? taken(path) : system_refusal(path, "lock", errno));
  }
  return lock;
}

Descriptor unix_socket() {
  return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

template <class Call>
int with_address(sockaddr_un const& address, Call call) {
  return call(reinterpret_cast<sockaddr const*>(&address), static_cast<socklen_t>(sizeof(address)));
}

// A full backlog answers EAGAIN: somebody listens.
bool answers(sockaddr_un const& address) {
  Descriptor const probe = unix_socket();
  int const result = with_address(
      address, [&](sockaddr const* to, socklen_t size) { return connect(probe.get(), to, size); });
  return result == 0 || errno == EAGAIN || errno == EINPROGRESS;
}

Result<void> clear_stale(std::filesystem::path const& path, sockaddr_un const& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(system_refusal(path, "look at", errno));
  }
  if (!S_ISSOCK(found.st_mode)) {
    return std::unexpected(refusal(path, "the control socket's path holds something that is no socket",
                                   "move it away, or give control_socket another path"));
  }
  if (answers(address)) return std::unexpected(taken(path));
  if (unlink(path.c_str()) != 0) return std::unexpected(system_refusal(path, "replace", errno));
  return {};
}

// On Linux a socket file takes its mode from the descriptor's, so no moment passes in which others could
// connect.
Result<void> bind_and_listen(Descriptor const& listening, std::filesystem::path const& path,
                             sockaddr_un const& address, std::optional<gid_t> group) {
  if (fchmod(listening.get(), 0600) != 0) return std::unexpected(system_refusal(path, "prepare", errno));
  if (with_address(address, [&](sockaddr const* at, socklen_t size) {
        return bind(listening.get(), at, size);
      }) != 0) {
    return std::unexpected(system_refusal(path, "make", errno));
  }
  if (group) {
    if (lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 || chmod(path.c_str(), 0660) != 0) {
      int const problem = errno;
      unlink(path.c_str());
      return std::unexpected(system_refusal(path, "give its group to", problem));
    }
  }
  if (listen(listening.get(), SOMAXCONN) != 0)
    return std::unexpected(system_refusal(path, "listen on", errno));
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

SocketFile::SocketFile(std::filesystem::path path, Descriptor lock, Descriptor listening)
    : path_(std::move(path)), lock_(std::move(lock)), listening_(std::move(listening)) {
  struct stat made{};
  if (lstat(path_.c_str(), &made) == 0) {
    device_ = made.st_dev;
    inode_ = made.st_ino;
  }
}

Result<SocketFile> SocketFile::listen(std::filesystem::path const& path, std::string const& group) {
  auto const address = address_of(path);
  if (!address) return std::unexpected(address.error());
  auto const gid = group_of(path, group);
  if (!gid) return std::unexpected(gid.error());
  auto lock = lock_beside(path);
  if (!lock) return std::unexpected(lock.error());
  if (auto const cleared = clear_stale(path, *address); !cleared) return std::unexpected(cleared.error());
  Descriptor listening = unix_socket();
  if (!listening) return std::unexpected(system_refusal(path, "open", errno));
  if (auto const bound = bind_and_listen(listening, path, *address, *gid); !bound) {
    return std::unexpected(bound.error());
  }
  return SocketFile(path, std::move(*lock), std::move(listening));
}

SocketFile::~SocketFile() { remove(); }

void SocketFile::remove() {
  if (!lock_) return;  // Moved from, or done.
  struct stat found{};
  if (lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_)
    unlink(path_.c_str());
  Descriptor const unlocked = std::move(lock_);
}

std::optional<Peer> peer_of(int connected) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  Peer peer{.uid = credentials.uid, .caller = fmt::format("uid {}", credentials.uid)};
  std::vector<char> room(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(credentials.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
    peer.caller += fmt::format(" ({})", entry.pw_name);
  }
  return peer;
}

}  // namespace rekeyd::daemon

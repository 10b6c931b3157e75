#include "tests/daemon/control/raw_connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rekeyd::test {

RawConnection::RawConnection(std::filesystem::path const& socket)
    : connected_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
  if (connect(connected_.get(), reinterpret_cast<sockaddr const*>(&address), sizeof(address)) != 0) {
    throw std::system_error(errno, std::generic_category(), socket.string());
  }
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const sent = ::send(connected_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawConnection::read_more() {
  std::array<char, 4096> room{};
  ssize_t const count = read(connected_.get(), room.data(), room.size());
  if (count <= 0) return false;
  unread_.append(room.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawConnection::read_all() {
  while (read_more()) {
  }
  return std::exchange(unread_, "");
}

std::string RawConnection::read_answer() {
  auto header_end = unread_.find("\r\n\r\n");
  while (header_end == std::string::npos) {
    if (!read_more()) return std::exchange(unread_, "");
    header_end = unread_.find("\r\n\r\n");
  }
  std::string_view const label = "Content-Length: ";
  auto const at = unread_.find(label);
  std::size_t const length = at < header_end ? std::stoul(unread_.substr(at + label.size())) : 0;
  std::size_t const whole = header_end + 4 + length;
  while (unread_.size() < whole && read_more()) {
  }
  std::string const answer = unread_.substr(0, whole);
  unread_.erase(0, answer.size());
  return answer;
}

}  // namespace rekeyd::test

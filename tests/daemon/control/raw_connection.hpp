#pragma once
#include "daemon/control/socket_file.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace rekeyd::test {

/// A caller that says exactly what it is told to, well-mannered or not.
class RawConnection {
 public:
  /// Throws std::system_error if nobody listens.
  explicit RawConnection(std::filesystem::path const& socket);

  /// False if the other side has hung up.
  bool send(std::string_view bytes);
  /// Reads until the other side hangs up.
  std::string read_all();
  /// Reads one answer, by its Content-Length; what there was if the other side hung up before.
  std::string read_answer();

 private:
  bool read_more();
  daemon::Descriptor connected_;
  std::string unread_;
};

}  // namespace rekeyd::test

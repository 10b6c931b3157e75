#pragma once
#include "policy/error.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <string>
#include <vector>

namespace rekeyd::providers {

/// A program of the operator's, started without a shell.
struct Command {
  std::vector<std::string> words;                  ///< The program's absolute path, then its arguments.
  std::map<std::string, std::string> environment;  ///< All of it, but for PATH and LANG.
};

/// Runs programs of the host. The real one starts processes; a simulated world has one of its own.
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  /// The exit status of the program, 128 + N when signal N ended it. transient: it was still running at the
  /// deadline, and was ended with all that it had started. permanent: it cannot be started at all.
  /// When the caller is cancelled it is ended, too.
  virtual boost::asio::awaitable<Result<int>> run(Command command, Clock::Mono deadline) = 0;
};

}  // namespace rekeyd::providers

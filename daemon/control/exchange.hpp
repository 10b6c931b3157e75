#pragma once
#include "policy/error.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace rekeyd::daemon {

struct Exchange {
  std::filesystem::path socket;
  std::string method;
  std::string target;  ///< Percent-encoded path and query.
  std::string body;
  std::chrono::milliseconds deadline;  ///< For all of it.
};

/// Sends one HTTP request over a Unix socket and gives the answer's body. An answer of 400 and above comes as
/// the Error that it tells of. The rest: see ControlClient.
Result<std::string> exchange(Exchange const& wanted);

}  // namespace rekeyd::daemon

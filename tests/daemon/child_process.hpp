#pragma once
#include <map>
#include <string>
#include <vector>

namespace rekeyd::test {

/// How a program ended and what it said.
struct Ended {
  int exit{};  ///< Its exit code, or minus the signal that killed it.
  std::string out;
  std::string err;
};

struct ChildOptions {
  std::map<std::string, std::string> environment;  ///< All of it: nothing is inherited.
  bool terminal{};                                 ///< stdout is a terminal, not a pipe.
  bool reader_gone{};                              ///< stdout is a pipe whose reader has closed it already.
  std::string out_file;                            ///< stdout is this file ("/dev/full").
};

/// Runs a program to its end. Throws std::system_error if it cannot be started.
Ended run_child(std::vector<std::string> const& command, ChildOptions const& options = {});

}  // namespace rekeyd::test

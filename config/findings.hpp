#pragma once
#include "config/diagnostic.hpp"

#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace rekeyd::config {

/// A place within one text; both count from 1. Line 0 means the text as a whole.
struct Position {
  int line{};
  int column{};  ///< In characters, as editors count them, not in bytes.
};

/// Whoever has this many mistakes in one file gave us the wrong file, and reads no more of them anyway.
inline constexpr std::size_t findings_max = 1000;

/// Thrown by Findings when there are more; ends the reading of that file. The loaders catch it.
struct TooManyFindings : std::exception {};

/// The diagnostics of one file as they are found.
class Findings {
 public:
  explicit Findings(std::string file) : file_(std::move(file)) {}

  SourcePlace place(Position at) const { return {file_, at.line, at.column}; }
  /// The returned reference is good until the next finding; use it to add related places.
  Diagnostic& error(Position at, std::string rule, std::string message, std::string hint = {});
  Diagnostic& warning(Position at, std::string rule, std::string message, std::string hint = {});
  bool has_errors() const { return config::has_errors(found_); }
  /// Everything found, in the order of the text.
  std::vector<Diagnostic> take() { return std::exchange(found_, {}); }

 private:
  Diagnostic& add(Severity severity, Position at, std::string rule, std::string message, std::string hint);
  std::string file_;
  std::vector<Diagnostic> found_;  ///< In the order of the text.
};

}  // namespace rekeyd::config

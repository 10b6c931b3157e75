#pragma once
#include <functional>
#include <string>

namespace rekeyd::simulation {

/// The daemon's log, as long as this lives: what it warns of goes to one listener and not to stderr.
class LogIntoTrace {
 public:
  using Listener = std::function<void(std::string words, bool critical)>;
  explicit LogIntoTrace(Listener listener);
  ~LogIntoTrace();
  LogIntoTrace(LogIntoTrace const&) = delete;
  LogIntoTrace& operator=(LogIntoTrace const&) = delete;
};

}  // namespace rekeyd::simulation

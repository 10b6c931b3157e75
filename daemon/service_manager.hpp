#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace rekeyd::daemon {

/// What the service manager (systemd, sd_notify(3)) is told of us. Does nothing when there is none.
class ServiceManager {
 public:
  void ready(std::string const& status);
  void reloading();
  void stopping();
  void status(std::string const& status);
  void alive();
  /// Asks for more time to stop.
  void extend_stop(std::chrono::seconds by);
  /// How often alive() is expected at most apart, if the unit has a watchdog.
  static std::optional<std::chrono::microseconds> watchdog_interval();
};

}  // namespace rekeyd::daemon

#include "daemon/service_manager.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>

namespace rekeyd::daemon {

namespace {

void notify(std::string const& state) { (void)::sd_notify(0, state.c_str()); }

}  // namespace

void ServiceManager::ready(std::string const& status) { notify("READY=1\nSTATUS=" + status); }
void ServiceManager::reloading() { notify("RELOADING=1\nSTATUS=Reading policies"); }
void ServiceManager::stopping() { notify("STOPPING=1\nSTATUS=Finishing the steps in hand"); }
void ServiceManager::status(std::string const& status) { notify("STATUS=" + status); }
void ServiceManager::alive() { notify("WATCHDOG=1"); }

void ServiceManager::extend_stop(std::chrono::seconds by) {
  notify(fmt::format("EXTEND_TIMEOUT_USEC={}", std::chrono::microseconds(by).count()));
}

std::optional<std::chrono::microseconds> ServiceManager::watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace rekeyd::daemon

#pragma once
#include "daemon/control/routes.hpp"
#include "tests/daemon/child_process.hpp"
#include "tests/daemon/control/fake_service.hpp"
#include "tests/daemon/control/served.hpp"

namespace rekeyd::test {

/// A served fake daemon, and rekeyctl run against it as a person would.
struct OperatorDesk {
  FakeService service;
  daemon::ControlRoutes routes{service};
  Served served{routes};

  Ended ctl(std::vector<std::string> arguments, ChildOptions options = {}) {
    options.environment.emplace("REKEYD_SOCKET", served.socket().string());
    return rekeyctl(std::move(arguments), options);
  }
  /// Without a daemon.
  static Ended rekeyctl(std::vector<std::string> arguments, ChildOptions const& options = {}) {
    arguments.insert(arguments.begin(), REKEYCTL);
    return run_child(arguments, options);
  }
};

}  // namespace rekeyd::test

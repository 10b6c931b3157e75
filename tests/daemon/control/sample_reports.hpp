#pragma once
#include "daemon/control/report.hpp"

/// Reports with every member filled in somewhere and left out somewhere else.
namespace rekeyd::test {

Instant at(char const* rfc3339);

Rotation sample_rotation();
/// One that follows, one behind, one in trouble, one of whose version nobody tells.
std::vector<daemon::ResourceReport> sample_resources();
std::vector<daemon::KeyReport> sample_keys();  ///< One for each state.
daemon::StatusReport sample_status();
daemon::PlanReport sample_plan();
daemon::ReloadAnswer sample_reload();

}  // namespace rekeyd::test

#pragma once

namespace rekeyd::daemon {

/// Set once when the daemon should end. Long work looks at it between its steps and batches, so that the end
/// comes at an edge where everything done is on record.
struct StopFlag {
  bool requested{};
};

}  // namespace rekeyd::daemon

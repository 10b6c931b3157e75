#pragma once
#include "daemon/control/report.hpp"
#include "policy/error.hpp"
#include "policy/rotation.hpp"

#include <string>
#include <vector>

namespace rekeyd::daemon {

/// What the daemon can be asked over its control socket. The daemon implements it; routes.hpp calls it.
///
/// *Thread:* called on the io_context's one thread, never at the same time; an answer is made from what is
/// known and does not wait for a provider.
/// *Errors:* values. Their class decides the HTTP status that the caller sees.
/// `caller` is who asks, as the kernel says: "uid 1000 (anna)". It is what the history records as actor.
class ControlService {
 public:
  virtual ~ControlService() = default;

  /// The daemon's wall clock: what a plan's span is counted from.
  virtual Instant now() = 0;
  virtual StatusReport status() = 0;
  /// By key.
  virtual std::vector<KeyReport> keys() = 0;
  /// By key, then resource.
  virtual Result<std::vector<ResourceReport>> resources() = 0;
  virtual PlanReport plan(Instant until) = 0;
  /// Any rotation, ended ones included; not_found for an id that nobody knows.
  virtual Result<Rotation> rotation(RotationId id) = 0;

  /// Opens a rotation of a key before its time. conflict while one is under way, not_found for a key that is
  /// not known or a name that is not unique.
  virtual Result<RotateAnswer> rotate(RotateRequest request, std::string caller, unsigned uid) = 0;
  /// Opens a rotation in which everything that depends on a key moves to another key, one that is there
  /// or one that is to be made. Errors as above; permanent for a key that cannot be made there.
  virtual Result<RotateAnswer> replace(ReplaceRequest request, std::string caller) = 0;
  /// Reads the policies anew. Mistakes in the files are no Error: see ReloadAnswer::applied.
  virtual Result<ReloadAnswer> reload(std::string caller) = 0;
  /// Lets a blocked rotation, or one that waits for its next try, try its step again now.
  virtual Result<void> retry(RotationId id, std::string caller) = 0;
  /// Gives a rotation up. What it did so far stays.
  virtual Result<void> abandon(RotationId id, AbandonRequest request, std::string caller) = 0;
  /// Lets go one hold or all. not_found for a name that no hold in force has; nothing in force is no error.
  virtual Result<ReleaseAnswer> release(ReleaseRequest request, std::string caller) = 0;
};

}  // namespace rekeyd::daemon

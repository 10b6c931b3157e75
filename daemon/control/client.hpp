#pragma once
#include "daemon/control/key_filter.hpp"
#include "daemon/control/report.hpp"
#include "policy/error.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Asks a running daemon over its control socket. Blocking: for rekeyctl and tests.
///
/// Each call makes its own connection and ends within the deadline. Errors are the daemon's own, or tell why
/// it could not be asked: code "not_running" (no socket, or nobody behind it), "not_allowed" (class access,
/// with the group that may), "no_answer" (the deadline passed; a request that acts may have been taken),
/// "malformed".
class ControlClient {
 public:
  ControlClient(std::filesystem::path socket, std::chrono::milliseconds deadline)
      : socket_(std::move(socket)), deadline_(deadline) {}

  Result<StatusReport> status();
  Result<std::vector<KeyReport>> keys(KeyFilter const& filter);
  Result<std::vector<ResourceReport>> resources();
  Result<PlanReport> plan_until(Instant until);
  /// `span`: see parse_plan_span.
  Result<PlanReport> plan_for(std::string const& span);
  Result<Rotation> rotation(RotationId const& id);
  Result<RotateAnswer> rotate(RotateRequest const& request);
  Result<RotateAnswer> replace(ReplaceRequest const& request);
  Result<ReloadAnswer> reload();
  Result<ReleaseAnswer> release(ReleaseRequest const& request);
  Result<RotationId> retry(RotationId const& id);
  Result<RotationId> abandon(RotationId const& id, AbandonRequest const& request);

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  using Path = std::vector<std::string>;  ///< Segments after /v1.
  Result<std::string> get(Path const& path, Parameters const& parameters = {});
  Result<std::string> post(Path const& path, std::string body);

  std::filesystem::path socket_;
  std::chrono::milliseconds deadline_;
};

}  // namespace rekeyd::daemon

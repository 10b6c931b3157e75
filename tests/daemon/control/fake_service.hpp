#pragma once
#include "daemon/control/service.hpp"
#include "tests/daemon/control/sample_reports.hpp"

#include <map>
#include <string>
#include <vector>

namespace rekeyd::test {

/// A daemon of fixed reports that keeps what it was asked. It knows the sample's keys and rotation, and lets
/// a rotation that it opened itself run its steps, one each time somebody looks.
class FakeService final : public daemon::ControlService {
 public:
  Instant now() override { return status_report.now; }
  daemon::StatusReport status() override { return status_report; }
  std::vector<daemon::KeyReport> keys() override { return key_reports; }
  Result<std::vector<daemon::ResourceReport>> resources() override { return resource_reports; }
  daemon::PlanReport plan(Instant until) override;
  Result<Rotation> rotation(RotationId id) override;
  Result<daemon::RotateAnswer> replace(daemon::ReplaceRequest request, std::string caller) override;
  Result<daemon::RotateAnswer> rotate(daemon::RotateRequest request, std::string caller,
                                      unsigned uid) override;
  Result<daemon::ReloadAnswer> reload(std::string caller) override;
  Result<void> retry(RotationId id, std::string caller) override;
  Result<void> abandon(RotationId id, daemon::AbandonRequest request, std::string caller) override;

  Result<daemon::ReleaseAnswer> release(daemon::ReleaseRequest request, std::string caller) override;

  daemon::StatusReport status_report = sample_status();
  std::vector<daemon::KeyReport> key_reports = sample_keys();
  std::vector<daemon::ResourceReport> resource_reports = sample_resources();
  daemon::PlanReport plan_report = sample_plan();
  daemon::ReloadAnswer reload_answer = sample_reload();
  RotationState opened_ends{RotationState::done};
  std::vector<std::string> asked;  ///< "rotate KEY: REASON by CALLER", ...

 private:
  Result<daemon::RotateAnswer> open(std::string const& words, std::optional<KeyRef> successor);

  std::map<RotationId, Rotation> rotations_{{sample_rotation().id, sample_rotation()}};
};

}  // namespace rekeyd::test

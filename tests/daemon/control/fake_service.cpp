#include "tests/daemon/control/fake_service.hpp"

namespace rekeyd::test {

namespace {

Error refused(ErrorClass error_class, char const* code, std::string what, std::string where) {
  Error error;
  error.error_class = error_class;
  error.code = code;
  error.what = std::move(what);
  error.where = std::move(where);
  error.remedy = "see rekeyctl keys";
  return error;
}

}  // namespace

daemon::PlanReport FakeService::plan(Instant until) {
  daemon::PlanReport report = plan_report;
  report.until = until;
  std::erase_if(report.entries, [&](daemon::PlanEntry const& entry) { return entry.at > until; });
  return report;
}

Result<Rotation> FakeService::rotation(RotationId id) {
  auto const found = rotations_.find(id);
  if (found == rotations_.end()) {
    return std::unexpected(
        refused(ErrorClass::not_found, "no_such_rotation", "no rotation has this id", id.str()));
  }
  Rotation seen = found->second;
  Rotation& r = found->second;
  if (r.state == RotationState::open) {
    if (auto const next = step_after(r.step)) {
      r.step = *next;
    } else {
      r.state = opened_ends;
      if (opened_ends != RotationState::done) {
        r.message = "the key is disabled; enable it";
        r.remedy = "enable it";
      }
    }
  }
  return seen;
}

Result<daemon::RotateAnswer> FakeService::rotate(daemon::RotateRequest request, std::string caller,
                                                 unsigned uid) {
  asked.push_back("rotate " + request.key + ": " + request.reason + " by " + caller + " = " +
                  std::to_string(uid));
  return open(request.key, std::nullopt);
}

Result<daemon::RotateAnswer> FakeService::replace(daemon::ReplaceRequest request, std::string caller) {
  std::string const successor = request.by.empty() ? "a new " + request.create : request.by;
  asked.push_back("replace " + request.key + " by " + successor + ": " + request.reason + " by " + caller);
  return open(request.key, KeyRef::parse(request.by));
}

Result<daemon::RotateAnswer> FakeService::open(std::string const& words, std::optional<KeyRef> successor) {
  for (daemon::KeyReport const& key : key_reports) {
    if (key.key.text() != words && key.name != words) continue;
    if (key.rotation) {
      return std::unexpected(refused(ErrorClass::conflict, "rotation_open",
                                     "a rotation of this key is not finished", key.key.text()));
    }
    Rotation opened;
    opened.id = RotationId("00000000-0000-4000-8000-000000000001");
    opened.key = key.key;
    opened.successor = std::move(successor);
    opened.new_version = VersionId("v5");
    opened.opened = opened.updated = now();
    rotations_[opened.id] = opened;
    return daemon::RotateAnswer{.rotation = opened.id, .key = key.key};
  }
  return std::unexpected(refused(ErrorClass::not_found, "no_such_key", "no key is called this", words));
}

Result<daemon::ReloadAnswer> FakeService::reload(std::string caller) {
  asked.push_back("reload by " + caller);
  return reload_answer;
}

Result<void> FakeService::retry(RotationId id, std::string caller) {
  asked.push_back("retry " + id.str() + " by " + caller);
  if (auto const known = rotation(id); !known) return std::unexpected(known.error());
  return {};
}

Result<daemon::ReleaseAnswer> FakeService::release(daemon::ReleaseRequest request, std::string caller) {
  asked.push_back("release " + request.hold.value_or("all") + ": " + request.reason + " by " + caller);
  daemon::ReleaseAnswer answer;
  for (daemon::HoldReport const& hold : status_report.holds) {
    if (!request.hold || hold.name == *request.hold) answer.released.push_back(hold);
  }
  if (request.hold && answer.released.empty()) {
    return std::unexpected(
        refused(ErrorClass::not_found, "no_such_hold", "no hold of this name is in force", *request.hold));
  }
  return answer;
}

Result<void> FakeService::abandon(RotationId id, daemon::AbandonRequest request, std::string caller) {
  asked.push_back("abandon " + id.str() + ": " + request.reason +
                  (request.leave_stopped ? ", machines as they are" : "") + " by " + caller);
  if (auto const known = rotation(id); !known) return std::unexpected(known.error());
  return {};
}

}  // namespace rekeyd::test

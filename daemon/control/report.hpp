#pragma once
#include "policy/history_event.hpp"
#include "policy/hold.hpp"
#include "policy/key.hpp"
#include "policy/key_status.hpp"
#include "policy/registration.hpp"
#include "policy/rotation.hpp"
#include "policy/rotation_policy.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What the daemon answers over the control socket, as values. protocol.hpp turns them into JSON and back;
/// rekeyctl prints them.
namespace rekeyd::daemon {

/// One key at one moment.
struct KeyReport {
  KeyRef key;
  std::string name;
  std::string provider_kind;  ///< "azure-key-vault", ...
  Verdict verdict;
  std::string policy;  ///< Name, or empty.
  std::optional<int> every_months;
  KeyState state{};
  KeyType type;
  Origin origin{};
  std::map<std::string, std::string> tags;
  std::optional<VersionId> current_version;
  std::optional<Instant> current_created;
  std::size_t versions{};
  std::optional<unsigned> versions_max;  ///< The provider's limit.
  std::string provider_rotation{};   ///< How often the provider rotates it by itself, in its words; or empty.
  std::optional<Rotation> rotation;  ///< The one under way or blocked.
  bool operator==(KeyReport const&) const = default;
};

/// A resource that uses a key, and the key's current version.
struct ResourceReport {
  Registration resource;
  std::optional<VersionId> current_version;  ///< Of its key.
  bool operator==(ResourceReport const&) const = default;

  /// It uses another version than the current one.
  bool behind() const {
    return resource.following != Following::past && resource.version && current_version &&
           resource.version != current_version;
  }
};

/// What calls to one service cost in this life of the daemon.
struct CallReport {
  std::uint64_t calls{}, retries{}, throttled{}, failed{};
  std::uint64_t waiting{};   ///< Calls that wait for room under the published limits now.
  std::uint64_t waited_s{};  ///< So long have calls waited for it, all together.
  bool operator==(CallReport const&) const = default;
};

struct ProviderReport {
  ProviderName name;
  std::string kind;
  bool reachable{};
  std::string last_error;  ///< Empty when all is well. Of a reachable provider: an entry that made no sense.
  std::optional<Instant> last_inventory;
  std::size_t keys{};
  CallReport calls;                          ///< To the key service.
  std::optional<CallReport> resource_calls;  ///< To Azure Resource Manager, where the entry names resources.
  std::optional<std::int64_t> clock_offset_s;  ///< Provider's Date minus our clock.
  bool operator==(ProviderReport const&) const = default;
};

struct DekStoreReport {
  DekStoreName name;
  std::vector<std::string> defects;  ///< "PLACE: what", at most 20.
  std::size_t defects_total{};
  bool operator==(DekStoreReport const&) const = default;
};

/// A hold, and what it keeps from beginning.
struct HoldReport {
  std::string name;  ///< What `release` takes: "too_many_due", "circuit_open:policy:payments".
  HoldKind kind{};
  std::string scope;  ///< "everything", "provider azure-prod", "policy payments".
  Instant since{};
  std::string sentence;
  std::optional<Instant> next_try;  ///< When it lets a probe through.
  std::map<std::string, std::size_t>
      due_by_policy;  ///< Keys that are due within it: what a release lets begin.
  std::map<std::string, std::string> details;
  bool operator==(HoldReport const&) const = default;
};

struct StatusReport {
  std::string daemon_version;
  Instant now{};
  Instant started{};
  std::string config_file;
  std::string policy_digest;
  std::size_t policies{};
  Instant policies_loaded{};
  std::vector<std::string> reload_errors;  ///< Not empty: the last reload was refused and says why.
  std::vector<std::string> warnings;
  std::map<std::string, std::size_t> counts;  ///< KeyStatus word → keys.
  std::optional<Instant> next_due;
  std::vector<ProviderReport> providers;
  std::vector<DekStoreReport> dek_stores;
  std::vector<HoldReport> holds;     ///< In force.
  std::vector<KeyReport> attention;  ///< Keys that are due, overdue, rotating, waiting, blocked or unknown.
  bool operator==(StatusReport const&) const = default;
};

/// One rotation that will happen if nothing changes, or (mode observe) a date on which one would be due.
struct PlanEntry {
  KeyRef key;
  std::string name;
  std::string policy;
  int every_months{};
  Mode mode{};
  Instant at{};
  bool past_due{};  ///< Its date lies behind us: it comes as soon as the caps allow.
  std::string why;
  bool operator==(PlanEntry const&) const = default;
};

/// Machines that will stand still for a rotation of the plan.
struct DowntimeReport {
  KeyRef key;
  Instant at{};                              ///< Of the first rotation.
  std::size_t rotations{};                   ///< Within the span; each time.
  ResourceId resource;                       ///< What changes its key version meanwhile.
  std::vector<ResourceId> machines;          ///< As last surveyed; one that is stopped already stays so.
  bool stopped_by_us{};                      ///< Else a person has to, and the rotation waits for it.
  std::chrono::seconds longest{};            ///< The policy's bound.
  std::optional<std::chrono::seconds> last;  ///< How long it took the last time.
  bool operator==(DowntimeReport const&) const = default;
};

/// An old key version that the policy wants taken out of use.
struct RetirementReport {
  KeyRef key;
  VersionId version;
  RetireBy by{};
  Instant at{};         ///< The end of its grace time; past: as soon as nothing holds it.
  std::string held_by;  ///< Who needs it now, as a clause; empty: nobody that we know of.
  bool operator==(RetirementReport const&) const = default;
};

struct PlanReport {
  Instant from{};
  Instant until{};
  std::vector<PlanEntry> entries;             ///< By time, then key.
  std::vector<DowntimeReport> downtimes;      ///< By time, then key and resource.
  std::vector<RetirementReport> retirements;  ///< Of versions that are there now; by time, then key.
  std::size_t keys_without_policy{};
  std::vector<std::string> findings;  ///< Conflicts and the like, one sentence each.
  bool operator==(PlanReport const&) const = default;
};

struct RotateRequest {
  std::string key;  ///< A full reference, or a name that only one key has.
  std::string reason;
  bool operator==(RotateRequest const&) const = default;
};

/// One of `by` and `create` is empty.
struct ReplaceRequest {
  std::string key;  ///< As in RotateRequest, as is the next.
  std::string by;
  std::string create;  ///< PROVIDER/VAULT/NAME of a key that is to be made.
  std::string reason;
  bool operator==(ReplaceRequest const&) const = default;
};

struct RotateAnswer {
  RotationId rotation;
  KeyRef key;
  bool operator==(RotateAnswer const&) const = default;
};

struct AbandonRequest {
  std::string reason;
  bool leave_stopped{};  ///< Machines that do not start stay as they are.
  bool operator==(AbandonRequest const&) const = default;
};

struct ReleaseRequest {
  std::optional<std::string> hold;  ///< Absent: all that are in force.
  std::string reason;
  bool operator==(ReleaseRequest const&) const = default;
};

struct ReleaseAnswer {
  std::vector<HoldReport> released;
  bool operator==(ReleaseAnswer const&) const = default;
};

/// What became of a reload. A refused one leaves the policies that were in force as they are.
struct ReloadAnswer {
  bool applied{};
  std::vector<std::string> diagnostics;       ///< Every mistake found, told like a compiler tells it.
  std::vector<std::string> warnings;          ///< What a person should know although the reload was applied.
  std::size_t policies{};                     ///< In force now, whether they are the new ones or the old.
  std::string policy_digest;                  ///< Of what is in force now.
  std::map<std::string, std::size_t> counts;  ///< KeyStatus word → keys, under what is in force now.
  bool operator==(ReloadAnswer const&) const = default;
};

}  // namespace rekeyd::daemon

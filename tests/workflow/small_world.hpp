#pragma once
#include "tests/workflow/living_daemon.hpp"

#include <map>
#include <set>
#include <string>

namespace rekeyd::test {

/// One overdue key with DEKs at each of Key Vault (RSA), Managed HSM (AES) and Key Protect, and one key at
/// each that is not due; policies that want six months.
LivingDaemon::Files small_world();

/// The references of the three overdue keys.
extern char const* const vault_key;
extern char const* const hsm_key;
extern char const* const ibm_key;

inline std::chrono::hours days(int count) { return std::chrono::hours(24 * count); }

/// How many rotations the history says were opened, and done.
std::size_t opened(LivingDaemon& life);
std::size_t done(LivingDaemon& life);
/// Starts the small world's daemon and lets it rotate the three overdue keys.
LivingDaemon& settle(LivingDaemon& life);

/// What the clouds hold now of root keys: key reference → ids of its versions, and the current one.
struct CloudKey {
  std::set<std::string> versions;
  std::string current;
  bool operator==(CloudKey const&) const = default;
};
std::map<std::string, CloudKey> keys_at_clouds(LivingDaemon& life);
/// The same as the daemon's database has it.
std::map<std::string, CloudKey> keys_on_record(LivingDaemon& life);

/// Fails the test unless the history tells of every version at the clouds once.
void require_versions_told_once(LivingDaemon& life);
/// Fails the test unless every wrapped DEK lies in its file, unwraps to the DEK it always was, and is wrapped
/// by its key's current version at the cloud.
void require_deks_on_current_versions(LivingDaemon& life);
/// The same without the last: what has to hold at every moment.
void require_deks_readable(LivingDaemon& life);
/// A fault that hits the first matching request, and no other.
sim::FaultRule fault(char const* kind, char const* host, char const* method, char const* path);
/// IBM refuses to re-wrap until the faults are cleared.
void refuse_rewraps(LivingDaemon& life);

/// Fails the test unless the history chain verifies and the database is sound. Between two lives.
void require_sound_history(std::filesystem::path const& database);

}  // namespace rekeyd::test

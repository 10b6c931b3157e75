#pragma once
#include "policy/hold.hpp"
#include "policy/key_status.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::rehearsal {

/// One rotation of the rehearsed time; `rotation` as it was last.
struct RehearsedRotation {
  Rotation rotation;
  std::string name;           ///< The key's, for people.
  std::size_t deks{};         ///< WDEKs of the model that moved with it.
  unsigned times_blocked{};   ///< How often it was parked,
  std::string block_reason;   ///< the last time with this reason,
  std::string block_message;  ///< in these words.
  std::string block_remedy;
};

/// A stretch during which keys were due and had to wait, all keys with one reason together.
struct RehearsedWait {
  WaitsFor waits_for{};
  std::string reason;
  std::string sentence;  ///< Of the first key.
  std::size_t keys{};
  Instant first{}, last{};
  std::chrono::seconds longest{};
};

struct RehearsedHold {
  Hold hold;
  bool from_before{};  ///< It was in force when the rehearsal began.
};

struct RehearsedProvider {
  std::string name, kind;
  std::size_t keys{};
  std::uint64_t calls{}, retries{}, throttled{}, failed{};
};

enum class TroubleKind {
  blocked,        ///< At the end a key cannot go on without a person.
  overdue,        ///< At the end a key is past its date for longer than the settings tolerate.
  unknown,        ///< At the end its provider does not tell enough of a key.
  was_blocked,    ///< A rotation was parked and went on later.
  late,           ///< A rotation ended later after its date than the settings tolerate.
  dek_refused,    ///< Wrapped DEKs could not be re-wrapped.
  versions,       ///< The provider's limit of versions a key comes near.
  throttled,      ///< A provider refused calls as too many.
  drift,          ///< Somebody else changed a key: its provider's own rotation, for one.
  not_covered,    ///< No policy selects the key.
  policy_unused,  ///< A policy selects no key.
};
char const* to_text(TroubleKind kind);
/// With these a rehearsal ends badly.
bool is_bad(TroubleKind kind);

struct Trouble {
  TroubleKind kind{};
  std::string subject;  ///< A key's reference, a provider's or a policy's name.
  std::string name;     ///< Of a key, for people.
  std::optional<Instant> at;
  std::string reason;  ///< A word, or empty.
  std::string sentence;
  std::string remedy;
};

/// What a rehearsal found.
struct Findings {
  std::vector<RehearsedRotation> rotations;  ///< By the moment at which they began.
  std::vector<RehearsedWait> waits;
  std::vector<RehearsedHold> holds;
  std::vector<RehearsedProvider> providers;
  std::vector<Trouble> troubles;  ///< The bad ones first, then by kind and subject.
  std::size_t keys{};
  std::uint64_t crashes{}, faults{};
};

}  // namespace rekeyd::rehearsal

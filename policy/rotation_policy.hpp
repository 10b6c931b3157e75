#pragma once
#include "policy/brakes.hpp"
#include "policy/calendar.hpp"
#include "policy/months.hpp"
#include "policy/names.hpp"
#include "policy/quiesce_rules.hpp"
#include "policy/upkeep_rules.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd {

/// Where in a policy file something was said; line and column count from 1.
struct SourcePlace {
  std::string file;
  int line{};
  int column{};
  bool operator==(SourcePlace const&) const = default;
  std::string text() const { return file + ":" + std::to_string(line) + ":" + std::to_string(column); }
};

enum class Mode {
  enforce,  ///< Rotate when due.
  observe,  ///< Watch and report; never act.
  /// The provider rotates by a rule of its own, which we set; we watch, and carry what it makes on.
  delegate,
};

/// Who wraps a DEK anew where the new version's public key is known (RSA).
enum class WrapBy {
  local,    ///< With the public key, here: one call per DEK instead of two.
  service,  ///< At the provider, for those who want its own log of it.
};

/// Which root keys a policy claims. Every given part must match; an absent part matches everything.
/// Patterns are globs (*, ?, [a-z]) over the whole name, without regard to case.
struct KeySelector {
  std::optional<std::string> provider;
  std::optional<std::string> vault;
  std::optional<std::string> key;           ///< Matched against the key's name and its id.
  std::map<std::string, std::string> tags;  ///< Tag name (exact) → glob of its value.
  bool operator==(KeySelector const&) const = default;
};

/// A per-key exception inside a policy: it changes what it names and inherits the rest.
struct KeyOverride {
  std::string key;  ///< A glob like KeySelector::key.
  std::optional<Months> every;
  std::optional<Mode> mode;
  SourcePlace place;
  std::optional<MaterialSourceName> material{};
};

inline constexpr std::chrono::hours usual_registrations_patience{24};

/// A YAML rule that selects root keys and says when and how they rotate.
struct RotationPolicy {
  PolicyName name;
  KeySelector match;
  Months every;
  Mode mode{Mode::enforce};
  Zone zone{};                    ///< Whose calendar months count. UTC unless the policy says otherwise.
  std::chrono::seconds spread{};  ///< Due dates are spread over this long, later than the calendar date.
  WrapBy wrap{WrapBy::local};
  std::vector<KeyOverride> keys;
  SourcePlace place;
  RotationLimits limits{};  ///< Of this policy alone; the caps over all keys count besides.
  QuiesceRules confidential_vms{};
  MaterialSourceName
      material{};  ///< Where imported keys get the material of their next version; may be empty.
  UpkeepRules upkeep{};
  DiskEncryptionKeys disk_encryption_keys{DiskEncryptionKeys::leave};
  /// How long a rotation waits for services that follow by themselves; then it is over without them.
  std::chrono::seconds registrations_patience{usual_registrations_patience};
};

/// All policies in force, loaded and swapped as one.
struct PolicySet {
  std::vector<RotationPolicy> policies;
  std::string digest;  ///< SHA-256 over the files' names and bytes, in hex: what the history records.
};

char const* to_text(Mode mode);
char const* to_text(WrapBy wrap);
std::optional<Mode> parse_mode(std::string_view text);
std::optional<WrapBy> parse_wrap_by(std::string_view text);

}  // namespace rekeyd

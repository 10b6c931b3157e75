#pragma once
#include "policy/decision.hpp"

#include <optional>

namespace rekeyd {

/// What to say of a key under `mode: delegate`: the provider rotates it, and rekeyd never begins to. Nothing
/// under another mode. Precondition: a policy applies, and the versions are known.
std::optional<Verdict> delegated(KeyFacts const& facts);

/// Its provider rotates the key by a rule of its own, and the policy wants rekeyd to.
bool has_two_rotators(AppliedPolicy const& applied, RootKey const& key);

}  // namespace rekeyd

#pragma once
#include "policy/instant.hpp"

namespace rekeyd::sim {

class Randomness;
class RsaPool;
class Mistakes;

/// What a service is made with. `random` and `rsa_keys` outlive the services, which may keep references to
/// them; `mistakes` is for the reading of the world file only.
struct SeedContext {
  Instant now;
  Randomness& random;
  RsaPool& rsa_keys;
  Mistakes& mistakes;
};

}  // namespace rekeyd::sim

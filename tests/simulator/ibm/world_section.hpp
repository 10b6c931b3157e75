#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/ibm/trusted_profile.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace YAML {
class Node;
}
namespace rekeyd::sim {
class Mistakes;
}

/// The `ibm:` section of a world file, read into plain values. tests/simulator/worlds/demo.yaml is an
/// example; the fields are those of the structs below.
namespace rekeyd::sim::ibm {

struct RegistrationSeed {
  std::string crn;  ///< "{n}" is the key's number where `count` makes several.
  Profile profile{Profile::fast};
  std::string description;
  bool prevents_deletion{};
};

struct KeySeed {
  std::string name;
  std::string id;  ///< Empty: drawn.
  std::string description;
  std::vector<Instant> versions;  ///< When each was made, oldest first; of a standard key the first counts.
  bool imported{};
  bool extractable{};
  std::vector<std::string> tags;
  std::vector<std::string> aliases;
  std::string ring;
  KeyState state{KeyState::active};
  std::optional<Instant> expires;
  std::optional<Instant> deleted;  ///< Of a destroyed key: when; now, if not said.
  std::optional<KeyRotationPolicy> rotation_policy;
  std::vector<RegistrationSeed> registrations;
  unsigned deks{};
  std::vector<std::string> aad;
  unsigned count{1};  ///< Above 1: so many keys, with their number for {n} in the name or at its end.
};

struct InstanceSeed {
  Instance::Settings settings;
  std::vector<std::string> key_rings;
  std::vector<KeySeed> keys;
};

struct ApiKeySeed {
  std::string key;
  Identity identity;
};

struct WorldSection {
  std::chrono::seconds token_lifetime{3600};
  std::vector<ApiKeySeed> api_keys;
  std::vector<TrustedProfile> profiles;
  std::vector<InstanceSeed> instances;
};

WorldSection read_world_section(YAML::Node const& ibm, Instant now, Mistakes& mistakes);

}  // namespace rekeyd::sim::ibm

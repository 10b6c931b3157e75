#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/cloud.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// Who made a key version, as only the simulation can know.
enum class Maker { beginning, daemon, person, provider };
char const* to_text(Maker maker);

struct TrueVersion {
  std::string id;
  Instant created;
  bool enabled{true};
  Maker maker{Maker::beginning};
  std::string rotation;  ///< Of the daemon's that made it.
};

struct TrueRegistration {
  std::string version;
  bool prevents_deletion{};
  bool operator==(TrueRegistration const&) const = default;
};

struct TrueKey {
  std::vector<TrueVersion> versions;  ///< Oldest first.
  std::string current;
  bool usable{true};                                      ///< Neither disabled nor deleted as a whole.
  std::map<std::string, TrueRegistration> registrations;  ///< By resource; IBM only.
  bool root{true};  ///< A key that wraps; a standard key of IBM is none.
};

/// What the clouds hold: key reference → key. A copy, brought up to date after whatever may have changed it.
class Truth {
 public:
  struct NewVersion {
    std::string key;
    TrueVersion version;
  };

  explicit Truth(sim::Cloud const& cloud) : cloud_(cloud) {}
  /// What is new was made by `maker`, for `rotation` if it was a daemon's; by the provider itself if it was
  /// made before this moment.
  std::vector<NewVersion> look(Instant now, Maker maker, std::string const& rotation = {});

  std::map<std::string, TrueKey> const& keys() const { return keys_; }
  TrueKey const* find(std::string const& key) const;
  TrueVersion const* find(std::string const& key, std::string const& version) const;
  /// Machines and what they live on, as they are at this moment.
  sim::ResourceTruth resources(Instant now) const;

 private:
  sim::Cloud const& cloud_;
  std::map<std::string, TrueKey> keys_;
};

}  // namespace rekeyd::simulation

#pragma once
#include "config/settings.hpp"
#include "policy/instant.hpp"
#include "tests/simulator/service.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// One vault or service instance, as the daemon's own settings reach it.
struct Place {
  std::string provider;
  std::string vault;
  bool azure{};
  std::string host;
  std::string instance;  ///< IBM: the instance's id.
  std::string tenant;    ///< Azure.
  std::string client;    ///< Azure.
  std::string secret;    ///< The credential's name.
};

/// Which root key a request on the wire is about.
class AddressBook {
 public:
  explicit AddressBook(config::Settings const& settings);

  std::vector<Place> const& places() const { return places_; }
  Place const* of_key(std::string const& key) const;
  std::vector<std::string> hosts() const;

  /// The reference of the key that the path names, if it names one.
  std::optional<std::string> key_of(sim::Request const& request) const;
  /// Would it make a new key version? A new key has its first one.
  static bool makes_version(sim::Request const& request);
  /// The key that it would make, as PROVIDER/VAULT/NAME; at Azure a new version where there is one of that
  /// name.
  std::optional<std::string> creates(sim::Request const& request) const;
  struct Version {
    std::string key, version;
  };
  /// The key version at Azure that it disables, or that expires within a day of `now` by it.
  std::optional<Version> takes_out_of_use(sim::Request const& request, Instant now) const;
  /// Could it change anything that a cloud keeps of a key?
  static bool may_change(sim::Request const& request);

 private:
  Place const* of_request(sim::Request const& request) const;
  std::vector<Place> places_;
};

}  // namespace rekeyd::simulation

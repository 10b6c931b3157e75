#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::ibm {

/// How soon the service behind a registration takes up a new key version.
enum class Profile {
  fast,   ///< Seconds after the notification.
  slow,   ///< Hours, but within the documented four.
  never,  ///< Misses the rotation's notification; follows a sync.
  stale,  ///< Its resource is gone: follows nothing, for ever.
};
std::optional<Profile> profile_named(std::string_view name);
std::string_view to_text(Profile profile);

/// The tie of a cloud resource to a root key and to the version that wraps its DEKs. Written by IBM's
/// services only; here by the model of them.
struct Registration {
  std::string resource_crn;
  std::string description;
  std::string created_by;
  Instant created{};
  Instant last_updated{};
  bool prevents_deletion{};
  Profile profile{Profile::fast};
  std::string version_id;  ///< The version in use now.

  /// A rewrap under way at the service.
  struct Pending {
    std::string version_id;
    Instant done_at;
  };
  std::optional<Pending> pending{};
};

enum class Notice { rotate, sync };

/// The service hears that `newest` is the key's version now. A rewrap still under way is replaced: the
/// service always goes to the version it heard of last.
void notify(Registration& registration, Notice notice, std::string const& newest, Instant now,
            Randomness& random);

/// Lets time pass: a rewrap that is done by `now` shows.
void settle(Registration& registration, Instant now);

/// Does a CRN match a query of ten segments with `*`?
bool crn_matches(std::string_view query, std::string_view crn);

/// "iam-ServiceId-..." of the service that a CRN belongs to, stable per service.
std::string service_identity(std::string_view crn);

}  // namespace rekeyd::sim::ibm

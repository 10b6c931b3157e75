#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/azure/rsa_wrap.hpp"
#include "providers/system/clock.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// A key version that may wrap now, and what is needed to do it.
struct WrapTarget {
  KeyAlgorithm algorithm{};
  unsigned bits{};  ///< 0: the service does not say.
  std::optional<RsaPublicKey> rsa;
};
using WrapTargetPtr = std::shared_ptr<WrapTarget const>;

/// Refuses a version that is disabled, not yet valid, expired, or not meant for wrapping: local wrapping has
/// no service that would do so. Disabled and expired are conflict errors, the rest permanent.
Result<WrapTargetPtr> make_wrap_target(KeyBundle const& bundle, Instant now, std::string const& where);

/// The algorithm to wrap with, given the one that a DEK was wrapped with: RSA-OAEP-256 under RSA keys,
/// whatever it was before (RSA1_5 and RSA-OAEP with SHA-1 end here); AES key wrap stays what it is. Permanent
/// error when the two do not fit.
Result<std::string> wrap_algorithm(WrapTarget const& target, std::string_view previous,
                                   std::string const& where);

/// The algorithm to wrap a DEK with that another key has wrapped so far: AES key wrap has to match the key's
/// size; where the service does not tell that, it is taken for 256 bits, and the service refuses if it is
/// not.
Result<std::string> first_wrap_algorithm(WrapTarget const& target, std::string const& where);

/// Does the service know how to unwrap this? (RSA-OAEP-256, RSA-OAEP, RSA1_5, A128KW, A192KW, A256KW)
bool is_wrap_algorithm(std::string_view algorithm);

/// Looks that are still fresh: thousands of DEKs of one key must not cost as many reads of it.
class WrapTargetCache {
 public:
  static constexpr std::chrono::seconds fresh_for{60};

  WrapTargetPtr find(std::string const& version_url, Clock::Mono now) const;
  void keep(std::string const& version_url, WrapTargetPtr target, Clock::Mono now);
  void forget(std::string const& version_url) { looks_.erase(version_url); }

 private:
  struct Look {
    WrapTargetPtr target;
    Clock::Mono until;
  };
  std::map<std::string, Look> looks_;
};

}  // namespace rekeyd::providers::azure

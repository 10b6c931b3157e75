#pragma once
#include "policy/instant.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::ibm {

/// The roles of the key-management service, each including those before it.
enum class Role { reader, reader_plus, writer, manager };
std::optional<Role> role_named(std::string_view name);

/// Who calls.
struct Identity {
  std::string iam_id;  ///< "iam-ServiceId-..."
  std::string account;
  Role role{Role::manager};
  bool may_purge{false};  ///< The KeyPurge role, which no other role includes.
};

/// Issues IAM's access tokens and knows them again: one for all IBM services of a world. Tokens are JWTs with
/// the claims that clients read; what makes one valid is that it was issued here.
class TokenAuthority {
 public:
  TokenAuthority(std::chrono::seconds lifetime, Randomness& random);

  void add_api_key(std::string api_key, Identity identity);
  void add_profile(std::string id, Identity identity);
  std::chrono::seconds lifetime() const { return lifetime_; }

  /// Nothing for an unknown API key.
  std::optional<std::string> issue(std::string_view api_key, Instant now);
  /// The same for a trusted profile, which somebody has rightly entered.
  std::optional<std::string> issue_for(std::string_view profile_id, Instant now);
  /// Nothing for a token that was never issued here or has expired. Valid until the next issue().
  Identity const* identity(std::string_view token, Instant now) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Issued {
    Identity const* identity;
    Instant expires;
  };
  using Identities = std::map<std::string, Identity, std::less<>>;
  std::optional<std::string> issue_from(Identities const& identities, std::string_view who, Instant now);
  std::string compose(Identity const& identity, Instant now);
  void forget_expired(Instant now);

  std::chrono::seconds lifetime_;
  Randomness& random_;
  Identities identities_;  ///< By API key.
  Identities profiles_;    ///< By id.
  std::unordered_map<std::string, Issued, Hash, std::equal_to<>> issued_;
};

}  // namespace rekeyd::sim::ibm

#include "tests/simulator/ibm/token_authority.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

std::optional<Role> role_named(std::string_view name) {
  auto const word = lower(name);
  if (word == "reader") return Role::reader;
  if (word == "readerplus") return Role::reader_plus;
  if (word == "writer") return Role::writer;
  if (word == "manager") return Role::manager;
  return std::nullopt;
}

TokenAuthority::TokenAuthority(std::chrono::seconds lifetime, Randomness& random)
    : lifetime_(lifetime), random_(random) {}

void TokenAuthority::add_api_key(std::string api_key, Identity identity) {
  identities_.insert_or_assign(std::move(api_key), std::move(identity));
}

void TokenAuthority::add_profile(std::string id, Identity identity) {
  profiles_.insert_or_assign(std::move(id), std::move(identity));
}

std::string TokenAuthority::compose(Identity const& identity, Instant now) {
  json::object const header{{"kid", "rekeyd-sim"}, {"alg", "RS256"}};
  json::object const claims{{"iam_id", identity.iam_id},
                            {"sub", identity.iam_id.substr(identity.iam_id.find('-') + 1)},
                            {"sub_type", "ServiceId"},
                            {"account", {{"valid", true}, {"bss", identity.account}}},
                            {"iat", now.time_since_epoch().count()},
                            {"exp", (now + lifetime_).time_since_epoch().count()},
                            {"iss", "https://iam.cloud.ibm.com/identity"},
                            {"grant_type", "urn:ibm:params:oauth:grant-type:apikey"},
                            {"scope", "ibm openid"},
                            {"jti", random_.uuid()}};
  constexpr std::size_t signature_bytes = 256;
  return base64url(json::serialize(header)) + '.' + base64url(json::serialize(claims)) + '.' +
         base64url(random_.bytes(signature_bytes));
}

void TokenAuthority::forget_expired(Instant now) {
  std::erase_if(issued_, [now](auto const& entry) { return entry.second.expires <= now; });
}

std::optional<std::string> TokenAuthority::issue(std::string_view api_key, Instant now) {
  return issue_from(identities_, api_key, now);
}

std::optional<std::string> TokenAuthority::issue_for(std::string_view profile_id, Instant now) {
  return issue_from(profiles_, profile_id, now);
}

std::optional<std::string> TokenAuthority::issue_from(Identities const& identities, std::string_view who,
                                                      Instant now) {
  auto const found = identities.find(who);
  if (found == identities.end()) return std::nullopt;
  forget_expired(now);
  auto token = compose(found->second, now);
  issued_.emplace(token, Issued{&found->second, now + lifetime_});
  return token;
}

Identity const* TokenAuthority::identity(std::string_view token, Instant now) const {
  auto const found = issued_.find(token);
  if (found == issued_.end() || found->second.expires <= now) return nullptr;
  return found->second.identity;
}

}  // namespace rekeyd::sim::ibm

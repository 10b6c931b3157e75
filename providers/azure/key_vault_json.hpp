#pragma once
#include "policy/error.hpp"
#include "policy/imported_key.hpp"
#include "policy/key.hpp"
#include "providers/secret.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Key Vault's and Managed HSM's bytes to values and back (api-version 7.3 to 2026-04-01). Pure, never
/// throws. Shapes: Microsoft's keys.json; what services really send: recorded exchanges of the official
/// clients.
namespace rekeyd::providers::azure {

/// The tag that carries our operation id in a version that we created.
inline constexpr char operation_tag[] = "rekeyd-op";
inline constexpr std::size_t tags_max = 15;

/// "https://HOST[:port]/keys/NAME[/VERSION]", taken apart and in lower case: Azure compares host and name
/// without regard to case.
struct KeyIdentifier {
  std::string host;
  std::string name;
  std::string version;  ///< Empty in listings of keys.
  static std::optional<KeyIdentifier> parse(std::string_view url);
  bool operator==(KeyIdentifier const&) const = default;
};

/// May stand in a path as it is: 1 to 127 of [0-9a-zA-Z-].
bool is_key_name(std::string_view name);
bool is_version_id(std::string_view version);

struct KeyAttributes {
  bool enabled{true};
  std::optional<Instant> not_before, expires, created;
  bool exportable{false};
  std::optional<unsigned> key_size;  ///< Symmetric keys, newer API versions only.
  bool external{false};              ///< Managed HSM external key: its material lives elsewhere.
};

struct ReleasePolicy {
  std::string content_type;
  std::string data;  ///< base64url
  bool immutable{false};
};

/// One key version with its public half.
struct KeyBundle {
  KeyIdentifier id;
  std::string key_type;              ///< "RSA-HSM", as sent.
  std::string curve;                 ///< "P-256", or empty.
  std::set<std::string> operations;  ///< Managed HSM shuffles them between two readings: a set.
  std::string modulus, exponent;     ///< base64url; RSA only.
  std::string x, y;                  ///< base64url; elliptic curves only.
  KeyAttributes attributes;
  std::map<std::string, std::string> tags;
  std::optional<ReleasePolicy> release_policy;
  bool managed{false};  ///< Belongs to a certificate.

  unsigned modulus_bits() const;  ///< 0 unless RSA.
  KeyType type() const;
};

/// An entry of a listing: no public half.
struct KeyItem {
  KeyIdentifier id;
  KeyAttributes attributes;
  std::map<std::string, std::string> tags;
  bool managed{false};
};

struct KeyItemPage {
  std::vector<KeyItem> items;
  std::vector<Error> defects;  ///< Entries that could not be read; the others are good.
  std::string next_link;       ///< As sent; empty at the end.
};

/// `where` goes into errors: the call that was answered.
Result<KeyBundle> parse_key_bundle(std::string_view body, std::string const& where);
Result<KeyItemPage> parse_key_items(std::string_view body, std::string const& where);

/// The answer of wrapkey and unwrapkey. `value` is base64url, wiped when it goes.
struct OperationResult {
  KeyIdentifier id;
  Body value;
};
Result<OperationResult> parse_operation_result(std::string_view body, std::string const& where);

/// What a version made by `create` must say of itself: nothing is inherited.
struct CreateKey {
  std::string key_type;
  std::optional<unsigned> key_size;
  std::optional<std::int64_t> public_exponent;
  std::string curve;
  std::set<std::string> operations;
  std::optional<Instant> expires;
  bool exportable{false};
  std::map<std::string, std::string> tags;
  std::optional<ReleasePolicy> release_policy;
};
Body write_create_key(CreateKey const& key);
/// {"alg":..,"value":..} in wiped memory. Precondition: both are of base64url's characters, so that nothing
/// needs escaping.
Body write_operation(std::string_view algorithm, std::string_view value);
/// Attributes are merged member by member, so this changes nothing else.
Body write_enabled(bool enabled);
Body write_expiry(Instant expires);
/// Tags are replaced as a whole.
Body write_tags(std::map<std::string, std::string> const& tags);

}  // namespace rekeyd::providers::azure

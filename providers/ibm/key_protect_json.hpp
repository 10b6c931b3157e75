#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "policy/registration.hpp"
#include "providers/secret.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Key Protect's bytes to values and back (API v2; the same for Dedicated and HPCS). Pure, never throws.
///
/// The envelope {"metadata":..,"resources":[..]} is read leniently where services and documents differ: an
/// empty list comes without `resources`, with null or with []; some pages show one object in place of the
/// array. Dates come as "..06Z", "..06+0000" and "..06.123456+00:00".
namespace rekeyd::providers::ibm {

/// The tag in which a key that was made on our request carries its operation id (NAME:VALUE).
inline constexpr char operation_tag[] = "rekeyd-op";

/// Entries of one page. `entries` counts all that the page held, the unreadable ones too: a page shorter than
/// asked for is the last one.
template <class T>
struct Page {
  std::vector<T> items;
  std::vector<Error> defects;
  std::size_t entries{};
};

/// One key as metadata and listings show it.
struct KeyRecord {
  RootKey key;          ///< ref.id only; provider and vault are the caller's.
  bool root_key{true};  ///< extractable = false. Standard keys are not ours.
  std::optional<KeyVersion> current;
};

struct VersionRecord {
  VersionId id;
  Instant created{};
};

/// `where` goes into errors: the call that was answered.
Result<Page<KeyRecord>> parse_keys(std::string_view body, std::string const& where);
/// An envelope with exactly one key.
Result<KeyRecord> parse_key(std::string_view body, std::string const& where);
Result<Page<VersionRecord>> parse_versions(std::string_view body, std::string const& where);
/// `key` is put into each registration. The registration's own keyId must be the same if it is there; where
/// `key` has no id, because the list is that of all keys of a vault, it is the registration's.
Result<Page<Registration>> parse_registrations(std::string_view body, KeyRef const& key,
                                               std::string const& where);

/// The answers of wrap, unwrap and rewrap: flat objects (some samples show them inside the envelope).
struct DekAnswer {
  std::optional<Secret> plaintext;   ///< unwrap
  std::string ciphertext;            ///< rewrap; unwrap when the input was wrapped by an older version.
  std::optional<VersionId> version;  ///< What wrapped the input.
  std::optional<VersionId> rewrapped_version;  ///< What wrapped `ciphertext`.
};
Result<DekAnswer> parse_dek_answer(std::string_view body, std::string const& where);

/// What a month is in a rotation policy (docs: setting a rotation policy).
inline constexpr std::chrono::days policy_month{30};

/// {"ciphertext":"..","aad":[..]}; aad is left out when empty, its order is kept.
Body write_dek_request(std::string const& ciphertext, std::vector<std::string> const& aad);
/// {"plaintext":"..","aad":[..]}, likewise, in wiped memory.
Body write_wrap_request(Secret const& plaintext, std::vector<std::string> const& aad);

/// The version that wrapped a WDEK as the WDEK itself says: base64 of JSON with a `handle`. Nothing when it
/// looks otherwise; the layout is nowhere promised, so this is a check and never the truth.
std::optional<VersionId> wdek_handle(std::string_view ciphertext);

}  // namespace rekeyd::providers::ibm

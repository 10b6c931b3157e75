#pragma once
#include "policy/instant.hpp"
#include "policy/months.hpp"
#include "policy/names.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rekeyd {

/// Life of a root key in the words of NIST SP 800-57 part 1 and KMIP.
enum class KeyState {
  pre_activation,
  active,
  suspended,    ///< Azure: enabled=false; IBM: state 2.
  deactivated,  ///< IBM: state 3. May unwrap, may not wrap. (Azure expresses this as a passed expiry.)
  destroyed,    ///< IBM: state 5; Azure: soft-deleted.
};

enum class KeyAlgorithm { rsa, ec, aes, other };
enum class Protection { software, hsm };
enum class Origin { generated, imported };

struct KeyType {
  KeyAlgorithm algorithm{KeyAlgorithm::other};
  unsigned bits{};  ///< 0 when the provider does not say.
  Protection protection{Protection::software};
  bool operator==(KeyType const&) const = default;
};

/// Who made a key version, as far as can be known.
enum class MadeBy {
  rekeyd,    ///< A rotation of ours, proved by operation id or by the journal.
  provider,  ///< The provider's own rotation policy.
  other,     ///< A person or another program.
  unknown,   ///< It was there when we first looked.
};

/// One piece of key material of a root key.
struct KeyVersion {
  VersionId id;
  Instant created{};
  bool enabled{true};
  std::optional<Instant> not_before;
  std::optional<Instant> expires;
  std::optional<RotationId> operation;  ///< Our operation id, where the provider lets a version carry it.
  bool operator==(KeyVersion const&) const = default;
};

/// The provider's own automatic rotation of a key.
struct ProviderRotation {
  bool enabled{};
  std::string interval;  ///< In the provider's own words: "P90D", "3 months of 30 days".
  /// From the current version's creation to the next one; nothing where it counts from something else, or in
  /// words that we do not know. Calendar months, or days: never both.
  std::optional<int> months{};
  std::optional<int> days{};
  /// Since when it is so, where the provider tells, else since when we know: a rule that is put on an old key
  /// acts from then on.
  std::optional<Instant> since{};
  bool operator==(ProviderRotation const&) const = default;
};

/// A customer root key as its provider describes it now. Never holds material.
struct RootKey {
  KeyRef ref;
  std::string name;  ///< For people. Azure: same as ref.id; IBM: not unique.
  KeyState state{KeyState::active};
  KeyType type;
  Origin origin{Origin::generated};
  std::map<std::string, std::string> tags;  ///< IBM's plain tags "a:b" become a → b, "a" becomes a → "".
  std::set<std::string> operations;         ///< Azure key_ops; empty where the provider has no such notion.
  std::optional<VersionId> current;         ///< Absent only if the provider did not say.
  std::optional<Instant> current_created;
  std::optional<Instant> expires;
  std::optional<Instant> last_rotated;  ///< The provider's own record (IBM lastRotateDate), if it keeps one.
  std::optional<ProviderRotation> provider_rotation;
  bool exportable{false};
  /// SHA-256 of what Azure's release policy says, in hexadecimal digits; empty: it has none.
  std::string release_policy;
  bool managed_elsewhere{false};  ///< Azure `managed`: belongs to a certificate; never ours to rotate.
  std::string key_ring;           ///< IBM key ring id, or empty.
  bool operator==(RootKey const&) const = default;
};

/// Another key has taken a key's place: since then nothing that rekeyd knows of depends on it.
struct Replaced {
  KeyRef by;
  Instant at{};
  bool operator==(Replaced const&) const = default;
};

/// A DEK wrapped by a root key, as an application keeps it. Holds no plaintext.
struct WrappedDek {
  DekId id;
  KeyRef key;
  VersionId version;             ///< The key version that wrapped it.
  std::string algorithm;         ///< Azure: "RSA-OAEP-256", "A256KW"; IBM: empty.
  std::string ciphertext;        ///< As the provider's API carries it: Azure base64url, IBM base64.
  std::vector<std::string> aad;  ///< Additional authenticated data, in order; never stored by the provider.
  bool operator==(WrappedDek const&) const = default;
};

/// Names used in JSON, the database and the docs; the same everywhere. parse_* know exactly these.
char const* to_text(KeyState state);
char const* to_text(KeyAlgorithm algorithm);
char const* to_text(Protection protection);
char const* to_text(Origin origin);
char const* to_text(MadeBy made_by);
std::optional<KeyState> parse_key_state(std::string_view text);
std::optional<KeyAlgorithm> parse_key_algorithm(std::string_view text);
std::optional<Protection> parse_protection(std::string_view text);
std::optional<Origin> parse_origin(std::string_view text);
std::optional<MadeBy> parse_made_by(std::string_view text);

/// Sorts oldest first: by creation time, then id. Providers list in any order.
void sort_by_creation(std::vector<KeyVersion>& versions);

}  // namespace rekeyd

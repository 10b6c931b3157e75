#include "tests/simulator/azure/key_request.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr std::size_t most_tags = 15;
constexpr std::size_t longest_tag = 256;

std::unexpected<Answer> refuse(std::string_view message) { return std::unexpected(bad_parameter(message)); }

json::value const* present(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

Or<Tags> parse_tags(json::value const& value) {
  if (!value.is_object()) return refuse("Property tags has invalid value\r\n");
  Tags tags;
  for (auto const& [name, text] : value.get_object()) {
    if (!text.is_string() || name.size() > longest_tag || text.get_string().size() > longest_tag) {
      return refuse("A tag has a name and a text of at most 256 characters each.");
    }
    tags.emplace(std::string(name), std::string(text.get_string()));
  }
  if (tags.size() > most_tags) return refuse("A key has at most 15 tags.");
  return tags;
}

Or<std::vector<std::string>> parse_operations(json::value const& value) {
  static std::set<std::string> const known{"encrypt",   "decrypt", "sign",   "verify",   "wrapKey",
                                           "unwrapKey", "import",  "export", "deriveKey"};
  if (!value.is_array()) return refuse("Property key_ops has invalid value\r\n");
  std::vector<std::string> operations;
  for (auto const& entry : value.get_array()) {
    std::string const name = entry.is_string() ? std::string(entry.get_string()) : std::string();
    if (!known.contains(name)) return refuse("Property key_ops has invalid value\r\n");
    operations.push_back(name);
  }
  return operations;
}

Or<std::string> parse_release_policy(json::value const& value) {
  if (!value.is_object()) return refuse("Property release_policy has invalid value\r\n");
  auto const& object = value.get_object();
  auto const data = string_member(object, "data");
  if (!data || !from_base64url(*data)) return refuse("Property release_policy.data has invalid value\r\n");
  return json::serialize(json::object{
      {"contentType", string_member(object, "contentType").value_or("application/json; charset=utf-8")},
      {"data", *data},
      {"immutable", bool_member(object, "immutable").value_or(false)}});
}

bool read_moment(json::object const& attributes, char const* name,
                 std::optional<std::optional<Instant>>& into) {
  auto const* value = attributes.if_contains(name);
  if (value == nullptr) return true;
  if (value->is_null()) {
    into.emplace(std::nullopt);
    return true;
  }
  auto const seconds = integer_member(attributes, name);
  if (!seconds || *seconds < 0 || *seconds > 253402300799) return false;
  into.emplace(Instant(std::chrono::seconds(*seconds)));
  return true;
}

bool read_flag(json::object const& attributes, char const* name, std::optional<bool>& into) {
  if (present(attributes, name) == nullptr) return true;
  into = bool_member(attributes, name);
  return into.has_value();
}

// "created", "updated" and the recovery members may be sent back; they are ignored.
bool read_attributes(json::object const& body, KeyChanges& changes) {
  auto const* value = present(body, "attributes");
  if (value == nullptr) return true;
  if (!value->is_object()) return false;
  auto const& attributes = value->get_object();
  return read_flag(attributes, "enabled", changes.enabled) &&
         read_flag(attributes, "exportable", changes.exportable) &&
         read_moment(attributes, "nbf", changes.not_before) &&
         read_moment(attributes, "exp", changes.expires);
}

Or<KeyShape> parse_shape(json::object const& body, VaultKind kind) {
  auto shape = shape_from_kty(string_member(body, "kty").value_or(""));
  if (!shape) return refuse("Property kty has invalid value\r\n");
  if (!takes(kind, *shape)) return refuse("The key type '" + shape->kty() + "' is not supported here.");
  return *shape;
}

/// The bytes of a base64url member without leading zeros; nothing when it is not base64url.
std::optional<std::string> number_member(json::object const& key, char const* name) {
  auto const text = string_member(key, name);
  auto bytes = text ? from_base64url(*text) : std::nullopt;
  if (bytes) bytes->erase(0, std::min(bytes->find_first_not_of('\0'), bytes->size()));
  return bytes;
}

Or<KeyMaterial> parse_rsa(json::object const& key) {
  RsaKey::Parts parts;
  auto const take = [&key](char const* name, std::string& into) {
    into = number_member(key, name).value_or("");
    return !into.empty();
  };
  bool const whole = take("n", parts.n) && take("e", parts.e) && take("d", parts.d) && take("p", parts.p) &&
                     take("q", parts.q) && take("dp", parts.dp) && take("dq", parts.dq) &&
                     take("qi", parts.qi);
  auto rsa = whole ? RsaKey::from(parts) : std::nullopt;
  if (!rsa) return refuse("The RSA key is not valid: n, e, d, p, q, dp, dq and qi of one key were expected.");
  KeyMaterial material;
  material.rsa = std::move(rsa);
  return material;
}

Or<KeyMaterial> parse_material(json::object const& key, KeyShape const& shape) {
  if (shape.type == KeyType::rsa) return parse_rsa(key);
  KeyMaterial material;
  if (shape.type == KeyType::oct) {
    material.aes = from_base64url(string_member(key, "k").value_or("")).value_or("");
    if (material.aes.empty()) return refuse("Property k has invalid value\r\n");
    return material;
  }
  material.ec_x = from_base64url(string_member(key, "x").value_or("")).value_or("");
  material.ec_y = from_base64url(string_member(key, "y").value_or("")).value_or("");
  if (material.ec_x.empty() || material.ec_y.empty()) return refuse("The EC key is not valid.");
  return material;
}

void fit_size(KeyShape& shape, KeyMaterial const& material) {
  if (shape.type == KeyType::rsa) shape.bits = material.rsa->bits();
  if (shape.type == KeyType::oct) shape.bits = static_cast<unsigned>(material.aes.size() * 8);
}

}  // namespace

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 127 && std::ranges::all_of(name, [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-';
  });
}

bool takes(VaultKind kind, KeyShape const& shape) {
  return kind == VaultKind::managed_hsm ? shape.hsm : shape.type != KeyType::oct;
}

bool is_known_size(KeyShape const& shape) {
  switch (shape.type) {
    case KeyType::rsa:
      return shape.bits == 2048 || shape.bits == 3072 || shape.bits == 4096;
    case KeyType::oct:
      return shape.bits == 128 || shape.bits == 192 || shape.bits == 256;
    case KeyType::ec:
      break;
  }
  return shape.curve == "P-256" || shape.curve == "P-384" || shape.curve == "P-521" ||
         shape.curve == "P-256K";
}

Or<KeyChanges> parse_changes(json::object const& body) {
  KeyChanges changes;
  if (!read_attributes(body, changes)) return refuse("Property attributes has invalid value\r\n");
  if (auto const* tags = present(body, "tags"); tags != nullptr) {
    auto parsed = parse_tags(*tags);
    if (!parsed) return std::unexpected(parsed.error());
    changes.tags = std::move(*parsed);
  }
  if (auto const* operations = present(body, "key_ops"); operations != nullptr) {
    auto parsed = parse_operations(*operations);
    if (!parsed) return std::unexpected(parsed.error());
    changes.key_ops = std::move(*parsed);
  }
  if (auto const* policy = present(body, "release_policy"); policy != nullptr) {
    auto parsed = parse_release_policy(*policy);
    if (!parsed) return std::unexpected(parsed.error());
    changes.release_policy = std::move(*parsed);
  }
  return changes;
}

Or<KeyCreation> parse_create(json::object const& body, VaultKind kind) {
  auto shape = parse_shape(body, kind);
  if (!shape) return std::unexpected(shape.error());
  if (present(body, "key_size") != nullptr) {
    shape->bits = static_cast<unsigned>(
        std::clamp<std::int64_t>(integer_member(body, "key_size").value_or(0), 0, 65536));
  }
  if (present(body, "crv") != nullptr) shape->curve = string_member(body, "crv").value_or("?");
  if (!is_known_size(*shape)) return refuse("Property key_size or crv has invalid value\r\n");
  auto changes = parse_changes(body);
  if (!changes) return std::unexpected(changes.error());
  return KeyCreation{*shape, std::move(*changes)};
}

Or<KeyImport> parse_import(json::object const& body, VaultKind kind) {
  auto const* key = present(body, "key");
  if (key == nullptr || !key->is_object()) return refuse("Property key has invalid value\r\n");
  if (present(key->get_object(), "key_hsm") != nullptr) {
    return refuse("A BYOK blob (key_hsm) cannot be opened by this HSM.");
  }
  auto shape = parse_shape(key->get_object(), kind);
  if (!shape) return std::unexpected(shape.error());
  shape->hsm = shape->hsm || bool_member(body, "Hsm").value_or(false);
  if (auto const curve = string_member(key->get_object(), "crv")) shape->curve = *curve;
  auto material = parse_material(key->get_object(), *shape);
  if (!material) return std::unexpected(material.error());
  fit_size(*shape, *material);
  if (!is_known_size(*shape)) return refuse("The key's size is not supported.");
  auto changes = parse_changes(body);
  if (!changes) return std::unexpected(changes.error());
  // The operations of an imported key stand inside its JWK.
  if (auto const* operations = present(key->get_object(), "key_ops"); operations != nullptr) {
    auto parsed = parse_operations(*operations);
    if (!parsed) return std::unexpected(parsed.error());
    changes->key_ops = std::move(*parsed);
  }
  return KeyImport{*shape, std::move(*material), std::move(*changes)};
}

std::optional<Answer> apply(KeyChanges const& changes, KeyVersion& version) {
  bool const exportable = changes.exportable.value_or(version.exportable);
  bool const has_policy = changes.release_policy.has_value() || !version.release_policy.empty();
  if (changes.release_policy && !exportable) {
    return error_answer(400, "BadParameter", "AKV.SKR.1005: A release policy needs an exportable key.");
  }
  if (exportable && !has_policy) return bad_parameter("An exportable key needs a release policy.");
  auto const not_before = changes.not_before.value_or(version.not_before);
  auto const expires = changes.expires.value_or(version.expires);
  if (not_before && expires && *expires <= *not_before) return bad_parameter("exp must be later than nbf.");
  version.not_before = not_before;
  version.expires = expires;
  version.exportable = exportable;
  version.enabled = changes.enabled.value_or(version.enabled);
  if (changes.release_policy) version.release_policy = *changes.release_policy;
  if (changes.tags) version.tags = *changes.tags;
  if (changes.key_ops && !changes.key_ops->empty()) version.key_ops = *changes.key_ops;
  return std::nullopt;
}

}  // namespace rekeyd::sim::azure

#include "providers/azure/key_vault_json.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/json_answer.hpp"

#include <boost/json.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

bool is_word(std::string_view text, std::size_t length_max) {
  auto const fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  return !text.empty() && text.size() <= length_max && std::ranges::all_of(text, fits);
}

KeyIdentifier read_identifier(JsonObject const& object, bool version_wanted) {
  auto const text = object.text("kid");
  auto const id = KeyIdentifier::parse(text);
  if (!id || (version_wanted && id->version.empty())) {
    object.note("kid",
                version_wanted ? "should be the address of a key version" : "should be a key's address");
    return {};
  }
  return *id;
}

KeyAttributes read_attributes(JsonObject const& attributes) {
  KeyAttributes read;
  read.enabled = attributes.flag_if("enabled").value_or(true);
  read.not_before = attributes.epoch_if("nbf");
  read.expires = attributes.epoch_if("exp");
  read.created = attributes.epoch_if("created");
  read.exportable = attributes.flag_if("exportable").value_or(false);
  if (auto const bits = attributes.integer_if("key_size"); bits && *bits > 0 && *bits <= 65536) {
    read.key_size = static_cast<unsigned>(*bits);
  }
  read.external = attributes.object_if("external_key").present();
  return read;
}

// A version without a creation time cannot take its place in the order of versions.
KeyAttributes read_version_attributes(JsonObject const& owner) {
  auto const attributes = owner.object("attributes");
  auto read = read_attributes(attributes);
  if (attributes.present() && !read.created) attributes.note("created", "is missing");
  return read;
}

std::optional<ReleasePolicy> read_release_policy(JsonObject const& policy) {
  if (!policy.present()) return std::nullopt;
  ReleasePolicy read;
  read.content_type = policy.text_if("contentType");
  read.data = policy.text_if("data");
  read.immutable = policy.flag_if("immutable").value_or(false);
  return read;
}

void read_public_half(JsonObject const& key, KeyBundle& bundle) {
  bundle.key_type = key.text("kty");
  bundle.curve = key.text_if("crv");
  for (auto& operation : key.texts_if("key_ops")) bundle.operations.insert(std::move(operation));
  bundle.modulus = key.text_if("n");
  bundle.exponent = key.text_if("e");
  bundle.x = key.text_if("x");
  bundle.y = key.text_if("y");
}

Result<KeyItem> read_item(JsonObject const& entry, std::string const& where) {
  JsonDefect defect;
  JsonObject const own = entry.reporting_to(defect);
  KeyItem item;
  item.id = read_identifier(own, false);
  item.attributes = read_version_attributes(own);
  item.tags = own.text_map_if("tags");
  item.managed = own.flag_if("managed").value_or(false);
  if (defect.none()) return item;
  auto const name = item.id.name.empty() ? std::string() : fmt::format(", key {}", item.id.name);
  return std::unexpected(malformed_answer(defect, where + name));
}

unsigned curve_bits(std::string_view curve) {
  if (curve == "P-256" || curve == "P-256K") return 256;
  if (curve == "P-384") return 384;
  return curve == "P-521" ? 521 : 0;
}

Body to_body(json::value const& value) {
  std::string const text = json::serialize(value);
  return {text.data(), text.size()};
}

json::object text_object(std::map<std::string, std::string> const& texts) {
  json::object object;
  for (auto const& [name, value] : texts) object.emplace(name, value);
  return object;
}

json::array text_array(std::set<std::string> const& texts) {
  json::array array;
  for (auto const& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

bool is_key_name(std::string_view name) { return is_word(name, 127); }
bool is_version_id(std::string_view version) { return is_word(version, 127); }

std::optional<KeyIdentifier> KeyIdentifier::parse(std::string_view url) {
  auto const parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
  if (!parsed || parsed->scheme_id() != boost::urls::scheme::https) return std::nullopt;
  std::string_view path(parsed->encoded_path().data(), parsed->encoded_path().size());
  constexpr std::string_view prefix = "/keys/";
  if (!lower_case(path).starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  auto const slash = path.find('/');
  auto const name = path.substr(0, slash);
  auto const version = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  if (!is_key_name(name) || (!version.empty() && !is_version_id(version))) return std::nullopt;
  std::string_view const host(parsed->encoded_host().data(), parsed->encoded_host().size());
  return KeyIdentifier{lower_case(host), lower_case(name), lower_case(version)};
}

unsigned KeyBundle::modulus_bits() const {
  // RSA moduli are whole bytes and their top bit is set: 6 bits a character, rounded down to bytes.
  auto const bytes =
      modulus.find('=') == std::string::npos ? modulus.size() * 6 / 8 : modulus.find('=') * 6 / 8;
  return static_cast<unsigned>(bytes * 8);
}

KeyType KeyBundle::type() const {
  KeyType type;
  std::string const kind = lower_case(key_type);
  type.protection = kind.ends_with("-hsm") ? Protection::hsm : Protection::software;
  if (kind.starts_with("rsa")) {
    type.algorithm = KeyAlgorithm::rsa;
    type.bits = modulus_bits();
  } else if (kind.starts_with("ec")) {
    type.algorithm = KeyAlgorithm::ec;
    type.bits = curve_bits(curve);
  } else if (kind.starts_with("oct")) {
    type.algorithm = KeyAlgorithm::aes;
    type.bits = attributes.key_size.value_or(0);
  }
  return type;
}

Result<KeyBundle> parse_key_bundle(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  JsonObject const root = answer.root();
  KeyBundle bundle;
  JsonObject const key = root.object("key");
  bundle.id = read_identifier(key, true);
  read_public_half(key, bundle);
  bundle.attributes = read_version_attributes(root);
  bundle.tags = root.text_map_if("tags");
  bundle.release_policy = read_release_policy(root.object_if("release_policy"));
  bundle.managed = root.flag_if("managed").value_or(false);
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return bundle;
}

Result<KeyItemPage> parse_key_items(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  JsonObject const root = answer.root();
  KeyItemPage page;
  for (auto const& entry : root.objects_if("value")) {
    auto item = read_item(entry, where);
    if (item) {
      page.items.push_back(std::move(*item));
    } else {
      page.defects.push_back(std::move(item.error()));
    }
  }
  page.next_link = root.text_if("nextLink");
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
}

Result<OperationResult> parse_operation_result(std::string_view body, std::string const& where) {
  JsonAnswer answer(body, AnswerContent::secret);
  JsonObject const root = answer.root();
  OperationResult result;
  result.id = read_identifier(root, true);
  auto const value = root.secret_text("value");
  result.value.assign(value.data(), value.size());
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return result;
}

Body write_create_key(CreateKey const& key) {
  json::object body;
  body["kty"] = key.key_type;
  if (key.key_size) body["key_size"] = *key.key_size;
  if (key.public_exponent) body["public_exponent"] = *key.public_exponent;
  if (!key.curve.empty()) body["crv"] = key.curve;
  // An empty list would mean "all operations of the type": say nothing then, it means the same.
  if (!key.operations.empty()) body["key_ops"] = text_array(key.operations);
  json::object attributes{{"enabled", true}};
  if (key.expires) attributes["exp"] = key.expires->time_since_epoch().count();
  if (key.exportable) attributes["exportable"] = true;
  body["attributes"] = std::move(attributes);
  body["tags"] = text_object(key.tags);
  if (key.release_policy) {
    json::object policy{{"data", key.release_policy->data}, {"immutable", key.release_policy->immutable}};
    if (!key.release_policy->content_type.empty()) policy["contentType"] = key.release_policy->content_type;
    body["release_policy"] = std::move(policy);
  }
  return to_body(body);
}

// Written by hand: a serializer's buffers would keep pieces of the value.
Body write_operation(std::string_view algorithm, std::string_view value) {
  Body body;
  body.reserve(algorithm.size() + value.size() + 24);
  body.append(R"({"alg":")").append(algorithm).append(R"(","value":")").append(value).append(R"("})");
  return body;
}

Body write_enabled(bool enabled) {
  return to_body(json::object{{"attributes", json::object{{"enabled", enabled}}}});
}

Body write_expiry(Instant expires) {
  return to_body(json::object{{"attributes", json::object{{"exp", expires.time_since_epoch().count()}}}});
}

Body write_tags(std::map<std::string, std::string> const& tags) {
  return to_body(json::object{{"tags", text_object(tags)}});
}

}  // namespace rekeyd::providers::azure

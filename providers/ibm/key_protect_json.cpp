#include "providers/ibm/key_protect_json.hpp"

#include "providers/encoding.hpp"
#include "providers/ibm/crn.hpp"
#include "providers/json_answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::providers::ibm {

namespace json = boost::json;

namespace {

// 4 is not used; anything else is from a service that we do not know.
KeyState read_state(JsonObject const& key) {
  auto const number = key.integer_if("state");
  if (!number) {
    key.note("state", "is missing");
    return KeyState::active;
  }
  switch (*number) {
    case 0:
      return KeyState::pre_activation;
    case 1:
      return KeyState::active;
    case 2:
      return KeyState::suspended;
    case 3:
      return KeyState::deactivated;
    case 5:
      return KeyState::destroyed;
    default:
      break;
  }
  key.note("state", "should be 0, 1, 2, 3 or 5");
  return KeyState::active;
}

std::map<std::string, std::string> read_tags(JsonObject const& key) {
  std::map<std::string, std::string> tags;
  for (auto const& tag : key.texts_if("tags")) {
    auto const colon = tag.find(':');
    auto value = colon == std::string::npos ? std::string() : tag.substr(colon + 1);
    tags.insert_or_assign(tag.substr(0, colon), std::move(value));
  }
  return tags;
}

std::optional<ProviderRotation> read_rotation(JsonObject const& rotation) {
  if (!rotation.present()) return std::nullopt;
  ProviderRotation read;
  auto const months = rotation.integer_if("interval_month");
  // Old clients store an interval alone; that is an enabled policy.
  read.enabled = rotation.flag_if("enabled").value_or(months.has_value());
  if (!months) return read;
  read.interval =
      fmt::format("{} month{} of {} days", *months, *months == 1 ? "" : "s", policy_month.count());
  // Documented: 1 to 12. Any other number stays in words.
  if (*months >= 1 && *months <= 12) read.days = static_cast<int>(*months * policy_month.count());
  return read;
}

std::optional<KeyVersion> read_current(JsonObject const& version) {
  if (!version.present()) return std::nullopt;
  KeyVersion read;
  read.id = VersionId(version.text("id"));
  auto const created = version.date_if("creationDate");
  if (!created) version.note("creationDate", "is missing");
  read.created = created.value_or(Instant{});
  return read;
}

KeyRecord read_key(JsonObject const& entry) {
  KeyRecord record;
  RootKey& key = record.key;
  key.ref.id = KeyId(entry.text("id"));
  key.name = entry.text_if("name");
  if (key.name.empty()) key.name = key.ref.id.str();
  key.state = read_state(entry);
  record.root_key = !entry.flag_if("extractable").value_or(false);
  key.origin = entry.flag_if("imported").value_or(false) ? Origin::imported : Origin::generated;
  // Root keys that the service makes are AES-256; an imported one may be shorter, and the algorithm members
  // are filled with "Deprecated".
  key.type = {KeyAlgorithm::aes, key.origin == Origin::generated ? 256U : 0U, Protection::hsm};
  key.tags = read_tags(entry);
  key.key_ring = entry.text_if("keyRingID");
  key.expires = entry.date_if("expirationDate");
  key.last_rotated = entry.date_if("lastRotateDate");
  key.provider_rotation = read_rotation(entry.object_if("rotation"));
  record.current = read_current(entry.object_if("keyVersion"));
  if (record.current) {
    key.current = record.current->id;
    key.current_created = record.current->created;
  }
  return record;
}

VersionRecord read_version(JsonObject const& entry) {
  VersionRecord version;
  version.id = VersionId(entry.text("id"));
  auto const created = entry.date_if("creationDate");
  if (!created) entry.note("creationDate", "is missing");
  version.created = created.value_or(Instant{});
  return version;
}

Registration read_registration(JsonObject const& entry, KeyRef const& key) {
  Registration registration;
  registration.key = key;
  registration.resource = ResourceId(entry.text("resourceCrn"));
  registration.kind = crn_resource_kind(registration.resource.str());
  if (key.id == KeyId()) {
    registration.key.id = KeyId(entry.text("keyId"));
  } else if (auto const owner = entry.text_if("keyId"); !owner.empty() && owner != key.id.str()) {
    entry.note("keyId", "names another key");
  }
  if (auto id = entry.object_if("keyVersion").text_if("id"); !id.empty()) {
    registration.version = VersionId(std::move(id));
    registration.following = Following::by_itself;
  }
  registration.prevents_deletion = entry.flag_if("preventKeyDeletion").value_or(false);
  registration.updated = entry.date_if("lastUpdated");
  return registration;
}

// Entries are read one by one: one that cannot be read spoils itself only.
template <class T, class Read>
Result<Page<T>> read_page(std::string_view body, std::string const& where, Read const& read) {
  JsonAnswer answer(body);
  Page<T> page;
  for (auto const& entry : answer.root().objects_if("resources")) {
    ++page.entries;
    JsonDefect defect;
    auto const own = entry.reporting_to(defect);
    T item = read(own);
    if (defect.none()) {
      page.items.push_back(std::move(item));
      continue;
    }
    JsonDefect ignored;
    auto const id = body_excerpt(entry.reporting_to(ignored).text_if("id"));
    page.defects.push_back(
        malformed_answer(defect, id.empty() ? where : fmt::format("{}, entry {}", where, id)));
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
}

std::optional<VersionId> read_version_id(JsonObject const& version) {
  auto id = version.text_if("id");
  if (id.empty()) return std::nullopt;
  return VersionId(std::move(id));
}

DekAnswer read_dek_answer(JsonObject const& flat) {
  DekAnswer read;
  read.ciphertext = flat.text_if("ciphertext");
  read.version = read_version_id(flat.object_if("keyVersion"));
  read.rewrapped_version = read_version_id(flat.object_if("rewrappedKeyVersion"));
  if (!flat.has("plaintext")) return read;
  auto plaintext = secret_from_base64(flat.secret_text("plaintext"));
  if (plaintext && !plaintext->empty()) {
    read.plaintext = std::move(*plaintext);
  } else {
    flat.note("plaintext", "should be base64");
  }
  return read;
}

json::array text_list(std::vector<std::string> const& texts) {
  json::array list;
  for (auto const& text : texts) list.emplace_back(text);
  return list;
}

}  // namespace

Result<Page<KeyRecord>> parse_keys(std::string_view body, std::string const& where) {
  return read_page<KeyRecord>(body, where, read_key);
}

Result<KeyRecord> parse_key(std::string_view body, std::string const& where) {
  auto page = parse_keys(body, where);
  if (!page) return std::unexpected(std::move(page.error()));
  if (!page->defects.empty()) return std::unexpected(std::move(page->defects.front()));
  if (page->items.size() != 1) {
    return std::unexpected(
        malformed_answer(fmt::format("resources holds {} keys instead of one", page->items.size()), where));
  }
  return std::move(page->items.front());
}

Result<Page<VersionRecord>> parse_versions(std::string_view body, std::string const& where) {
  return read_page<VersionRecord>(body, where, read_version);
}

Result<Page<Registration>> parse_registrations(std::string_view body, KeyRef const& key,
                                               std::string const& where) {
  return read_page<Registration>(body, where,
                                 [&key](JsonObject const& entry) { return read_registration(entry, key); });
}

Result<DekAnswer> parse_dek_answer(std::string_view body, std::string const& where) {
  JsonAnswer answer(body, AnswerContent::secret);
  JsonObject const root = answer.root();
  auto const enveloped = root.objects_if("resources");
  DekAnswer read = read_dek_answer(enveloped.empty() ? root : enveloped.front());
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return read;
}

Body write_dek_request(std::string const& ciphertext, std::vector<std::string> const& aad) {
  json::object request{{"ciphertext", ciphertext}};
  if (!aad.empty()) request["aad"] = text_list(aad);
  std::string const text = json::serialize(request);
  return {text.data(), text.size()};
}

Body write_wrap_request(Secret const& plaintext, std::vector<std::string> const& aad) {
  std::string const further = aad.empty() ? "" : R"(,"aad":)" + json::serialize(text_list(aad));
  Body body;
  body.reserve(plaintext.size() * 2 + further.size() + 32);
  body.append(R"({"plaintext":")");
  append_base64(body, plaintext);
  body.append(R"(")").append(further).append("}");
  return body;
}

std::optional<VersionId> wdek_handle(std::string_view ciphertext) {
  auto const text = from_base64(ciphertext);
  if (!text) return std::nullopt;
  JsonAnswer const answer(*text);
  JsonDefect ignored;
  auto handle = answer.root_reporting_to(ignored).text_if("handle");
  if (handle.empty()) return std::nullopt;
  return VersionId(std::move(handle));
}

}  // namespace rekeyd::providers::ibm

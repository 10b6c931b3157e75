// What Key Protect tells: keys and their versions.
#include "providers/encoding.hpp"
#include "providers/ibm/key_protect_provider.hpp"
#include "providers/ibm/page_call.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace ibm {

namespace {

// Keys that are made while we page push others to the next page: those of the last entries are recognised.
constexpr std::size_t remembered_max = 64;

/// "OFFSET ID,ID,..": where the next page begins, and what stood at the end of the last one.
struct Cursor {
  std::size_t offset{};
  std::set<std::string, std::less<>> seen;

  static Cursor parse(std::string_view text) {
    Cursor cursor;
    auto const* const end = text.data() + text.size();
    auto const [rest, failed] = std::from_chars(text.data(), end, cursor.offset);
    if (failed != std::errc() || rest == end) return cursor;
    std::string_view ids(rest + 1, static_cast<std::size_t>(end - rest - 1));
    while (!ids.empty()) {
      auto const comma = ids.find(',');
      cursor.seen.emplace(ids.substr(0, comma));
      ids.remove_prefix(comma == std::string_view::npos ? ids.size() : comma + 1);
    }
    return cursor;
  }
};

std::string next_cursor(std::size_t offset, std::vector<KeyRecord> const& records) {
  std::string text = fmt::format("{} ", offset);
  auto const first = records.size() - std::min(records.size(), remembered_max);
  for (std::size_t i = first; i < records.size(); ++i) {
    text += records[i].key.ref.id.str();
    if (i + 1 < records.size()) text += ',';
  }
  return text;
}

}  // namespace

Error misuse(ErrorClass error_class, std::string what, std::string remedy, std::string where) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = std::move(where);
  error.remedy = std::move(remedy);
  return error;
}

KeyProtect::KeyProtect(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                       KeyProtectOptions options)
    : access_(client, credentials, clock, random, ibm_flavour(options.kind)),
      clock_(clock),
      options_(std::move(options)),
      flavour_(ibm_flavour(options_.kind)) {}

std::string KeyProtect::Place::path() const { return "/api/v2/keys/" + percent_encode(id); }

std::vector<VaultName> KeyProtect::vaults() const {
  std::vector<VaultName> names;
  for (auto const& instance : options_.instances) names.push_back(instance.name);
  return names;
}

InstanceAddress const* KeyProtect::find_instance(VaultName const& name) const {
  auto const found = std::ranges::find(options_.instances, name, &InstanceAddress::name);
  return found == options_.instances.end() ? nullptr : &*found;
}

Result<KeyProtect::Place> KeyProtect::place_of(KeyRef const& key) const {
  Place place;
  place.instance = find_instance(key.vault);
  place.id = key.id.str();
  if (place.instance != nullptr && !place.id.empty()) return place;
  return std::unexpected(misuse(ErrorClass::permanent,
                                "no instance of this name is configured for the provider", {}, key.text()));
}

asio::awaitable<Result<KeyListing>> KeyProtect::list_keys(VaultName vault, std::string cursor_text,
                                                          Clock::Mono deadline) {
  auto const* instance = find_instance(vault);
  if (instance == nullptr) {
    co_return std::unexpected(misuse(
        ErrorClass::permanent, "no instance of this name is configured for the provider", {}, vault.str()));
  }
  auto const cursor = Cursor::parse(cursor_text);
  // Without a list of states deleted keys are left out, and a key that somebody deleted must not just vanish.
  auto call = page_call("/api/v2/keys", cursor.offset, "&state=0%2C1%2C2%2C3%2C5&extractable=false&sort=id");
  auto reply = co_await access_.call(*instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto page = parse_keys(reply->response.body, reply->where);
  if (!page) co_return std::unexpected(std::move(page.error()));
  KeyListing listing;
  listing.defects = std::move(page->defects);
  std::set<std::string, std::less<>> here = cursor.seen;
  for (auto& record : page->items) {
    if (!record.root_key || !here.insert(record.key.ref.id.str()).second) continue;
    record.key.ref.provider = options_.name;
    record.key.ref.vault = instance->name;
    listing.keys.push_back(record.key);
  }
  auto const offset = cursor.offset + page->entries;
  if (page->entries >= page_size && offset >= pages_max * page_size) {
    co_return std::unexpected(endless_list(reply->where));
  }
  if (page->entries >= page_size) listing.next = next_cursor(offset, page->items);
  co_return listing;
}

asio::awaitable<Result<KeyProtect::KeyReply>> KeyProtect::get_metadata(Place place, Clock::Mono deadline) {
  InstanceCall call;
  call.path = place.path() + "/metadata";
  auto reply = co_await access_.call(*place.instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto record = parse_key(reply->response.body, reply->where);
  if (!record) co_return std::unexpected(std::move(record.error()));
  if (record->key.ref.id.str() != place.id) {
    co_return std::unexpected(malformed_answer("id names another key", reply->where));
  }
  record->key.ref.provider = options_.name;
  record->key.ref.vault = place.instance->name;
  KeyReply answer;
  answer.record = std::move(*record);
  answer.evidence = std::move(reply->evidence);
  answer.where = std::move(reply->where);
  co_return answer;
}

asio::awaitable<Result<std::vector<VersionRecord>>> KeyProtect::get_versions(Place place, bool all_states,
                                                                             Clock::Mono deadline) {
  std::vector<VersionRecord> versions;
  for (std::size_t number = 0; number < pages_max; ++number) {
    std::string_view const more = all_states ? "&allKeyStates=true" : "";
    auto call = page_call(place.path() + "/versions", number * page_size, more);
    auto reply = co_await access_.call(*place.instance, std::move(call), deadline);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    auto page = parse_versions(reply->response.body, reply->where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    // One version that cannot be read would be missing from every decision: the key fails as a whole.
    if (!page->defects.empty()) co_return std::unexpected(std::move(page->defects.front()));
    std::ranges::move(page->items, std::back_inserter(versions));
    if (page->entries < page_size) co_return versions;
  }
  co_return std::unexpected(endless_list(place.path()));
}

// allKeyStates came in February 2023; a service that does not know the parameter refuses it as a bad query. A
// key that is not active has its versions told only with it: then the current one must do.
asio::awaitable<Result<std::vector<VersionRecord>>> KeyProtect::get_versions(Place place,
                                                                             Clock::Mono deadline) {
  auto versions = co_await get_versions(place, true, deadline);
  if (versions || versions.error().http_status != 400) co_return versions;
  versions = co_await get_versions(place, false, deadline);
  if (versions) co_return versions;
  auto const status = versions.error().http_status;
  if (status == 409 || status == 410) co_return std::vector<VersionRecord>();
  co_return versions;
}

namespace {

// Documents disagree on the order of the list. The key's own keyVersion is the truth of which is current; it
// goes last among versions of one second, and is added where the list does not show it yet.
std::vector<KeyVersion> in_order(std::vector<VersionRecord> const& records,
                                 std::optional<KeyVersion> const& current) {
  std::set<VersionId> seen;
  std::vector<KeyVersion> versions;
  if (current) seen.insert(current->id);
  for (auto const& record : records) {
    if (!seen.insert(record.id).second) continue;
    KeyVersion version;
    version.id = record.id;
    version.created = record.created;
    versions.push_back(std::move(version));
  }
  sort_by_creation(versions);
  if (!current) return versions;
  auto const place = std::ranges::upper_bound(versions, current->created, {}, &KeyVersion::created);
  versions.insert(place, *current);
  return versions;
}

/// A key that was made on our request carries its operation id as a tag; versions carry nothing here.
void note_maker(KeyDescription& description) {
  auto const tag = description.key.tags.find(operation_tag);
  if (tag == description.key.tags.end() || tag->second.empty() || description.versions.empty()) return;
  description.versions.front().operation = RotationId(tag->second);
}

}  // namespace

asio::awaitable<Result<KeyDescription>> KeyProtect::describe(KeyRef key, Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto metadata = co_await get_metadata(*place, deadline);
  if (!metadata) co_return std::unexpected(std::move(metadata.error()));
  auto records = co_await get_versions(*place, deadline);
  if (!records) co_return std::unexpected(std::move(records.error()));
  KeyDescription description;
  description.key = std::move(metadata->record.key);
  // A key without a rotation policy has no such member.
  if (!description.key.provider_rotation) description.key.provider_rotation.emplace();
  description.versions = in_order(*records, metadata->record.current);
  note_maker(description);
  if (description.versions.empty()) {
    co_return std::unexpected(
        malformed_answer("neither keyVersion nor the list names a version", metadata->where));
  }
  // The newest version is what the service wraps with. Where keyVersion names an older one, a version was
  // made between the two readings, or the first was answered by a replica that lags.
  description.key.current = description.versions.back().id;
  description.key.current_created = description.versions.back().created;
  co_return description;
}

}  // namespace ibm

std::unique_ptr<KmsProvider> make_key_protect(ApiClient& client, CredentialSource& credentials, Clock& clock,
                                              Random& random, KeyProtectOptions options) {
  return std::make_unique<ibm::KeyProtect>(client, credentials, clock, random, std::move(options));
}

}  // namespace rekeyd::providers

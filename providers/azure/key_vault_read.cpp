// What Key Vault tells: keys, versions, rotation policies.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/inheritance.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/paging.hpp"
#include "providers/azure/release_policy.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace azure {

namespace {

constexpr unsigned page_size = 25;  // The most that the service gives.

/// "PAGE TARGET": which page is next, so that a chain of pages that never ends does end.
struct Cursor {
  unsigned page{1};
  std::string target;

  static Cursor parse(std::string_view text) {
    Cursor cursor;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), cursor.page);
    if (failed == std::errc() && end != text.data() + text.size())
      cursor.target.assign(end + 1, text.data() + text.size());
    return cursor;
  }
  std::string text() const { return target.empty() ? std::string() : fmt::format("{} {}", page, target); }
};

Result<Cursor> next_cursor(Cursor const& now, std::string const& next_link, VaultAddress const& vault,
                           std::string const& api_version, std::string const& where) {
  if (next_link.empty()) return Cursor{};
  auto target = next_page_target(next_link, vault.endpoint, api_version, where);
  if (!target) return std::unexpected(std::move(target.error()));
  if (*target == now.target)
    return std::unexpected(malformed_answer("nextLink leads to its own page", where));
  if (now.page >= pages_max) {
    return std::unexpected(
        malformed_answer(fmt::format("the listing has more than {} pages", pages_max), where));
  }
  return Cursor{now.page + 1, std::move(*target)};
}

VaultCall page_call(Cursor const& cursor, std::string const& path) {
  VaultCall call;
  call.path = fmt::format("{}?maxresults={}", path, page_size);
  call.target = cursor.target;
  return call;
}

std::string named_wrongly(KeyIdentifier const& id, VaultAddress const& vault, std::string_view key) {
  if (id.host != vault.endpoint.host) return "kid names another vault";
  return !key.empty() && id.name != key ? "kid names another key" : "";
}

}  // namespace

KeyVersion key_version(KeyIdentifier const& id, KeyAttributes const& attributes,
                       std::map<std::string, std::string> const& tags) {
  KeyVersion version;
  version.id = VersionId(id.version);
  version.created = attributes.created.value_or(Instant{});
  version.enabled = attributes.enabled;
  version.not_before = attributes.not_before;
  version.expires = attributes.expires;
  if (auto const tag = tags.find(operation_tag); tag != tags.end())
    version.operation = RotationId(tag->second);
  return version;
}

KeyVault::KeyVault(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                   KeyVaultOptions options)
    : access_(client, credentials, clock, random,
              VaultAccess::Options{options.kind, options.api_version, options.authority, options.limits}),
      clock_(clock),
      options_(std::move(options)),
      traits_(azure_traits(options_.kind)) {
  for (auto& vault : options_.vaults) vault.name = VaultName(lower_case(vault.name.str()));
}

std::vector<VaultName> KeyVault::vaults() const {
  std::vector<VaultName> names;
  for (auto const& vault : options_.vaults) names.push_back(vault.name);
  return names;
}

VaultAddress const* KeyVault::find_vault(VaultName const& name) const {
  auto const found =
      std::ranges::find(options_.vaults, VaultName(lower_case(name.str())), &VaultAddress::name);
  return found == options_.vaults.end() ? nullptr : &*found;
}

Result<KeyVault::Place> KeyVault::place_of(KeyRef const& key) const {
  Place place;
  place.vault = find_vault(key.vault);
  place.key = lower_case(key.id.str());
  if (place.vault == nullptr) {
    return std::unexpected(refusal("no vault of this name is configured for the provider", {}, key.text()));
  }
  if (!is_key_name(place.key)) {
    return std::unexpected(
        refusal("this is no name of a key: letters, digits and '-' are allowed", {}, key.text()));
  }
  return place;
}

KeyRef KeyVault::ref_of(VaultAddress const& vault, std::string const& key) const {
  return {options_.name, vault.name, KeyId(key)};
}

// A passed expiry is how Azure says "may unwrap, may not wrap" (about-keys: date-time controlled operations).
KeyState KeyVault::state_of(KeyAttributes const& attributes) const {
  auto const now = clock_.wall_now();
  if (!attributes.enabled) return KeyState::suspended;
  if (attributes.expires && *attributes.expires <= now) return KeyState::deactivated;
  if (attributes.not_before && *attributes.not_before > now) return KeyState::pre_activation;
  return KeyState::active;
}

RootKey KeyVault::root_key(Place const& place, KeyBundle const& bundle) const {
  RootKey key;
  key.ref = ref_of(*place.vault, place.key);
  key.name = place.key;
  key.state = state_of(bundle.attributes);
  key.type = bundle.type();
  auto const origin = bundle.tags.find(origin_tag);
  bool const marked = origin != bundle.tags.end() && origin->second == "imported";
  key.origin = bundle.attributes.external || marked ? Origin::imported : Origin::generated;
  // The operation id belongs to the version: with it among the key's tags every rotation would look like an
  // edit.
  key.tags = bundle.tags;
  key.tags.erase(operation_tag);
  key.operations = bundle.operations;
  key.current = VersionId(bundle.id.version);
  key.current_created = bundle.attributes.created;
  key.expires = bundle.attributes.expires;
  key.exportable = bundle.attributes.exportable;
  if (bundle.release_policy) key.release_policy = release_policy_digest(*bundle.release_policy);
  key.managed_elsewhere = bundle.managed;
  return key;
}

RootKey KeyVault::listed_key(VaultAddress const& vault, KeyItem const& item) const {
  RootKey key;
  key.ref = ref_of(vault, item.id.name);
  key.name = item.id.name;
  key.state = state_of(item.attributes);
  key.tags = item.tags;
  key.tags.erase(operation_tag);
  key.current_created = item.attributes.created;
  key.expires = item.attributes.expires;
  key.exportable = item.attributes.exportable;
  key.managed_elsewhere = item.managed;
  return key;
}

asio::awaitable<Result<KeyListing>> KeyVault::list_keys(VaultName vault_name, std::string cursor_text,
                                                        Clock::Mono deadline) {
  auto const* vault = find_vault(vault_name);
  if (vault == nullptr) {
    co_return std::unexpected(
        refusal("no vault of this name is configured for the provider", {}, vault_name.str()));
  }
  auto const cursor = Cursor::parse(cursor_text);
  auto reply = co_await access_.call(*vault, page_call(cursor, "/keys"), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto page = parse_key_items(reply->response.body, reply->where);
  if (!page) co_return std::unexpected(std::move(page.error()));
  auto next = next_cursor(cursor, page->next_link, *vault, options_.api_version, reply->where);
  if (!next) co_return std::unexpected(std::move(next.error()));
  KeyListing listing;
  listing.defects = std::move(page->defects);
  for (auto const& item : page->items) {
    if (auto const wrong = named_wrongly(item.id, *vault, {}); !wrong.empty()) {
      listing.defects.push_back(malformed_answer(wrong, reply->where));
    } else {
      listing.keys.push_back(listed_key(*vault, item));
    }
  }
  listing.next = next->text();
  co_return listing;
}

asio::awaitable<Result<KeyVault::BundleReply>> KeyVault::get_key(Place place, std::string version,
                                                                 Clock::Mono deadline) {
  VaultCall call;
  call.path = version.empty() ? place.path() : fmt::format("{}/{}", place.path(), version);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto bundle = parse_key_bundle(reply->response.body, reply->where);
  if (!bundle) co_return std::unexpected(std::move(bundle.error()));
  auto wrong = named_wrongly(bundle->id, *place.vault, place.key);
  if (wrong.empty() && !version.empty() && bundle->id.version != version) wrong = "kid names another version";
  if (!wrong.empty()) co_return std::unexpected(malformed_answer(wrong, reply->where));
  access_.learn_type(*place.vault, place.key, bundle->type());
  BundleReply answer;
  answer.bundle = std::move(*bundle);
  answer.evidence = std::move(reply->evidence);
  answer.where = std::move(reply->where);
  co_return answer;
}

asio::awaitable<Result<std::vector<KeyItem>>> KeyVault::get_versions(Place place, Clock::Mono deadline) {
  std::vector<KeyItem> versions;
  std::string const path = place.path() + "/versions";
  Cursor cursor;
  do {
    auto reply = co_await access_.call(*place.vault, page_call(cursor, path), deadline);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    auto page = parse_key_items(reply->response.body, reply->where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    // One version that cannot be read would be missing from every decision: the key fails as a whole.
    if (!page->defects.empty()) co_return std::unexpected(std::move(page->defects.front()));
    for (auto& item : page->items) {
      auto wrong = named_wrongly(item.id, *place.vault, place.key);
      if (item.id.version.empty()) wrong = "kid names no version";
      if (!wrong.empty()) co_return std::unexpected(malformed_answer(wrong, reply->where));
      versions.push_back(std::move(item));
    }
    auto next = next_cursor(cursor, page->next_link, *place.vault, options_.api_version, reply->where);
    if (!next) co_return std::unexpected(std::move(next.error()));
    cursor = std::move(*next);
  } while (!cursor.target.empty());
  co_return versions;
}

namespace {

KeyVersion version_of(KeyBundle const& bundle) {
  return key_version(bundle.id, bundle.attributes, bundle.tags);
}

// Key Vault lists by version id, Managed HSM by creation; the current version is the one that the key itself
// names, and goes last among versions of one second.
std::vector<KeyVersion> in_order(std::vector<KeyItem> const& items, KeyVersion current) {
  std::vector<KeyVersion> versions;
  for (auto const& item : items) {
    auto version = key_version(item.id, item.attributes, item.tags);
    if (version.id != current.id) versions.push_back(std::move(version));
  }
  auto const current_id = current.id;
  versions.push_back(std::move(current));
  std::ranges::sort(versions, {}, [&current_id](KeyVersion const& version) {
    return std::make_tuple(version.created, version.id == current_id, version.id);
  });
  return versions;
}

}  // namespace

asio::awaitable<Result<KeyDescription>> KeyVault::describe(KeyRef key, Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto current = co_await get_key(*place, std::string(), deadline);
  if (!current && current.error().error_class == ErrorClass::not_found) {
    co_return co_await describe_deleted(*place, std::move(current.error()), deadline);
  }
  if (!current) co_return std::unexpected(std::move(current.error()));
  auto versions = co_await get_versions(*place, deadline);
  if (!versions) co_return std::unexpected(std::move(versions.error()));
  auto rotation = co_await provider_rotation(*place, deadline);
  if (!rotation) co_return std::unexpected(std::move(rotation.error()));
  KeyDescription description;
  description.versions = in_order(*versions, version_of(current->bundle));
  VersionId const newest = description.versions.back().id;
  if (newest.str() != current->bundle.id.version) {
    // Made between the two readings, or the first was answered by a replica that lags: the newest is the
    // current.
    current = co_await get_key(*place, newest.str(), deadline);
    if (!current)
      co_return std::unexpected(not_visible_yet(std::move(current.error()), place->text(), newest.str()));
  }
  description.key = root_key(*place, current->bundle);
  description.key.provider_rotation = std::move(*rotation);
  co_return description;
}

asio::awaitable<Result<KeyDescription>> KeyVault::describe_deleted(Place place, Error missing,
                                                                   Clock::Mono deadline) {
  VaultCall call;
  call.path = "/deletedkeys/" + place.key;
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  // Without the right to look there, or with nothing there, the first answer stands.
  if (!reply && reply.error().error_class == ErrorClass::transient) {
    co_return std::unexpected(std::move(reply.error()));
  }
  if (!reply) co_return std::unexpected(std::move(missing));
  auto bundle = parse_key_bundle(reply->response.body, reply->where);
  if (!bundle) co_return std::unexpected(std::move(bundle.error()));
  auto const wrong = named_wrongly(bundle->id, *place.vault, place.key);
  if (!wrong.empty()) co_return std::unexpected(malformed_answer(wrong, reply->where));
  KeyDescription description;
  description.key = root_key(place, *bundle);
  description.key.state = KeyState::destroyed;
  description.versions.push_back(version_of(*bundle));
  co_return description;
}

asio::awaitable<Result<RotationPolicyView>> KeyVault::get_policy(Place place, Clock::Mono deadline) {
  VaultCall call;
  call.path = place.path() + "/rotationpolicy";
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  // The key is there (its caller has just read it), so a 404 speaks of the policy.
  if (!reply && reply.error().error_class == ErrorClass::not_found) co_return RotationPolicyView();
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return parse_rotation_policy(reply->response.body, reply->where);
}

// Reading the policy is a permission of its own (getrotationpolicy): without it we know less, no more than
// that.
asio::awaitable<Result<std::optional<ProviderRotation>>> KeyVault::provider_rotation(Place place,
                                                                                     Clock::Mono deadline) {
  auto policy = co_await get_policy(std::move(place), deadline);
  if (policy) co_return std::optional<ProviderRotation>(std::move(policy->rotation));
  auto const error_class = policy.error().error_class;
  if (error_class == ErrorClass::access || error_class == ErrorClass::permanent) {
    co_return std::optional<ProviderRotation>();
  }
  co_return std::unexpected(std::move(policy.error()));
}

asio::awaitable<Result<std::vector<Registration>>> KeyVault::registrations(KeyRef, Clock::Mono) {
  co_return std::vector<Registration>();
}

std::vector<std::string> KeyVault::inheritance_defects(RootKey const& before, RootKey const& after) const {
  return azure::inheritance_defects(before, after);
}

}  // namespace azure

std::unique_ptr<KmsProvider> make_key_vault(ApiClient& client, CredentialSource& credentials, Clock& clock,
                                            Random& random, KeyVaultOptions options) {
  return std::make_unique<azure::KeyVault>(client, credentials, clock, random, std::move(options));
}

}  // namespace rekeyd::providers

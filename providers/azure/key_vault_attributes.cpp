// What is set of key versions at Key Vault and Managed HSM after they are made.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/azure/rotation_call.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

bool holds(std::map<std::string, std::string> const& all, std::map<std::string, std::string> const& some) {
  return std::ranges::all_of(some, [&](auto const& tag) {
    auto const found = all.find(tag.first);
    return found != all.end() && found->second == tag.second;
  });
}

}  // namespace

asio::awaitable<Result<KeyVault::BundleReply>> KeyVault::update(Place place, std::string version, Body body,
                                                                Clock::Mono deadline) {
  if (!is_version_id(version)) {
    co_return std::unexpected(refusal("this is no id of a key version", {}, place.text()));
  }
  VaultCall call;
  call.method = "PATCH";
  call.path = fmt::format("{}/{}", place.path(), version);
  call.body = std::move(body);
  targets_.forget(place.text() + "/" + version);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto bundle = parse_key_bundle(reply->response.body, reply->where);
  if (!bundle) co_return std::unexpected(std::move(bundle.error()));
  if (bundle->id.name != place.key || bundle->id.version != version) {
    co_return std::unexpected(malformed_answer("it does not confirm what was asked for", reply->where));
  }
  co_return BundleReply{*std::move(bundle), std::move(reply->evidence), reply->where};
}

asio::awaitable<Result<Evidence>> KeyVault::set_version_enabled(KeyRef key, VersionId version, bool enabled,
                                                                Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto body = write_enabled(enabled);
  auto updated = co_await update(*place, version.str(), std::move(body), deadline);
  if (!updated) co_return std::unexpected(std::move(updated.error()));
  if (updated->bundle.attributes.enabled != enabled) {
    co_return std::unexpected(malformed_answer("it does not confirm what was asked for", updated->where));
  }
  co_return std::move(updated->evidence);
}

asio::awaitable<Result<Evidence>> KeyVault::set_version_expiry(KeyRef key, VersionId version, Instant expires,
                                                               Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto body = write_expiry(expires);
  auto updated = co_await update(*place, version.str(), std::move(body), deadline);
  if (!updated) co_return std::unexpected(std::move(updated.error()));
  if (updated->bundle.attributes.expires != expires) {
    co_return std::unexpected(malformed_answer("it does not confirm what was asked for", updated->where));
  }
  co_return std::move(updated->evidence);
}

// The service replaces the tags as a whole: those that are there are read first and sent along. Between the
// two somebody else's change would be lost; there is no way to ask for less (no ETag, no If-Match).
asio::awaitable<Result<Evidence>> KeyVault::set_tags(KeyRef key, std::map<std::string, std::string> tags,
                                                     Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto current = co_await get_key(*place, std::string(), deadline);
  if (!current) co_return std::unexpected(std::move(current.error()));
  auto all = tags;
  all.insert(current->bundle.tags.begin(), current->bundle.tags.end());
  if (all.size() > tags_max) {
    co_return std::unexpected(refusal(
        fmt::format("its {} tags leave no room for {} more", current->bundle.tags.size(), tags.size()),
        "remove tags from the key, or take tag_rotations out of its policy", place->text()));
  }
  auto body = write_tags(all);
  auto updated = co_await update(*place, current->bundle.id.version, std::move(body), deadline);
  if (!updated) co_return std::unexpected(std::move(updated.error()));
  if (!holds(updated->bundle.tags, tags)) {
    co_return std::unexpected(malformed_answer("it does not confirm what was asked for", updated->where));
  }
  co_return std::move(updated->evidence);
}

}  // namespace rekeyd::providers::azure

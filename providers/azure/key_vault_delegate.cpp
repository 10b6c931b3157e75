// The rotation policy that Key Vault and Managed HSM carry out by themselves.
#include "providers/azure/key_vault_provider.hpp"
#include "providers/azure/rotation_call.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

std::string in_words(ProviderRotation const& rotation) {
  return rotation.enabled ? rotation.interval : std::string("off");
}

bool is_as_wanted(ProviderRotation const& rotation, std::optional<Months> every) {
  return every ? rotation.enabled && rotation.months == every->count() : !rotation.enabled;
}

Error imported_key(std::string const& where) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.code = "imported_key";
  error.what = "the key's material was imported: the service cannot make its next version";
  error.where = where;
  error.remedy = "set the policy to mode: enforce and name a source of material (material: NAME)";
  return error;
}

std::optional<Error> refuse_delegation(KeyBundle const& bundle, std::string const& where) {
  if (auto refused = refuse_rotation(bundle, where)) return refused;
  if (is_marked_imported(bundle)) return imported_key(where);
  return std::nullopt;
}

/// What a person can do where the service did not take the policy.
Error not_taken(Error error, RotationPolicyView const& before, AzureTraits const& traits) {
  if (error.error_class == ErrorClass::access) {
    error.remedy = fmt::format(
        "grant rekeyd's identity the role {} (in an access policy: the key permission Set Rotation Policy)",
        traits.role_to_rotate);
  } else if (error.error_class == ErrorClass::permanent && !before.expiry_time.empty()) {
    error.remedy = fmt::format(
        "new versions of this key expire after {}: {} wants to rotate well before that; lengthen the expiry "
        "in "
        "the key's rotation policy, or shorten the policy's `every`",
        before.expiry_time, traits.service);
  }
  return error;
}

}  // namespace

asio::awaitable<Result<Evidence>> KeyVault::set_provider_rotation(KeyRef key, std::optional<Months> every,
                                                                  Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto current = co_await get_key(*place, std::string(), deadline);
  if (!current) co_return std::unexpected(std::move(current.error()));
  auto refused = every ? refuse_delegation(current->bundle, current->where) : std::nullopt;
  if (refused) co_return std::unexpected(std::move(*refused));
  auto before = co_await get_policy(*place, deadline);
  if (!before) co_return std::unexpected(std::move(before.error()));
  if (is_as_wanted(before->rotation, every)) {
    current->evidence.notes["provider_rotation"] = in_words(before->rotation);
    co_return std::move(current->evidence);
  }
  auto set = co_await put_policy(*place, *before, every, deadline);
  co_return set;
}

asio::awaitable<Result<Evidence>> KeyVault::put_policy(Place place, RotationPolicyView before,
                                                       std::optional<Months> every, Clock::Mono deadline) {
  VaultCall call;
  call.method = "PUT";
  call.path = place.path() + "/rotationpolicy";
  call.body = write_rotation_policy(before, every);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(not_taken(std::move(reply.error()), before, traits_));
  auto after = parse_rotation_policy(reply->response.body, reply->where);
  if (!after) co_return std::unexpected(std::move(after.error()));
  if (!is_as_wanted(after->rotation, every)) {
    co_return std::unexpected(malformed_answer("it does not confirm what was asked for", reply->where));
  }
  reply->evidence.notes["provider_rotation_before"] = in_words(before.rotation);
  reply->evidence.notes["provider_rotation"] = in_words(after->rotation);
  co_return std::move(reply->evidence);
}

}  // namespace rekeyd::providers::azure

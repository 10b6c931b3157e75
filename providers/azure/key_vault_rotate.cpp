// Making a new key version at Key Vault and Managed HSM.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

// Whatever went wrong before the rotate or create went out: it did not go out.
Error before_rotating(Error error) {
  error.delivery = Delivery::not_sent;
  return error;
}

// The new version may be there although its description cannot be used: only the version list can tell.
Error after_rotating(Error error) {
  error.delivery = Delivery::maybe_applied;
  return error;
}

std::optional<Error> unfit_for_rotation(KeyBundle const& bundle, std::string const& where) {
  if (!bundle.attributes.enabled) {
    return refusal("the key's current version is disabled",
                   "enable it, or exclude the key from rekeyd's policies", where);
  }
  return refuse_rotation(bundle, where);
}

VaultCall rotation_call(RotationCall kind, std::string const& path, KeyBundle const& bundle,
                        RotationId const& operation, Instant now) {
  VaultCall call;
  call.method = "POST";
  call.path = fmt::format("{}/{}", path, to_text(kind));
  call.repeatable = Repeatable::no;
  if (kind == RotationCall::create) call.body = write_create_key(next_version(bundle, operation, now));
  return call;
}

}  // namespace

asio::awaitable<Result<void>> KeyVault::check_version_budget(Place place, Evidence& evidence,
                                                             Clock::Mono deadline) {
  auto const versions_max = traits_.capabilities.versions_max;
  if (!versions_max) co_return Result<void>();
  auto versions = co_await get_versions(place, deadline);
  if (!versions) co_return std::unexpected(std::move(versions.error()));
  evidence.notes["versions"] = fmt::format("{} of {}", versions->size(), *versions_max);
  if (versions->size() < *versions_max) co_return Result<void>();
  co_return std::unexpected(refusal(
      fmt::format("the key has {} versions, the most that {} keeps", versions->size(), traits_.service),
      "make a new key and move its dependants there: versions cannot be deleted", place.text()));
}

asio::awaitable<Result<void>> KeyVault::check_policy(Place place, KeyBundle const& bundle, bool may_set,
                                                     Evidence& evidence, Clock::Mono deadline) {
  if (!traits_.rotate_needs_policy) co_return Result<void>();
  auto policy = co_await get_policy(place, deadline);
  if (!policy) co_return std::unexpected(std::move(policy.error()));
  if (policy->exists) co_return Result<void>();
  if (!options_.set_neutral_rotation_policy) {
    co_return std::unexpected(refusal(
        fmt::format("{} does not rotate a key on demand before it has a rotation policy", traits_.service),
        "give the key a rotation policy, or let rekeyd put a neutral one there (set_neutral_rotation_policy: "
        "true)",
        place.text()));
  }
  auto neutral = neutral_rotation_policy(lifetime_of(bundle));
  evidence.notes["neutral_rotation_policy"] = may_set ? "set" : "will be set";
  evidence.notes["neutral_rotation_policy_expiry"] = neutral.expiry_time;
  if (!may_set) co_return Result<void>();
  VaultCall call;
  call.method = "PUT";
  call.path = place.path() + "/rotationpolicy";
  call.body = std::move(neutral.body);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  evidence.notes["neutral_rotation_policy_request_id"] = reply->evidence.request_id;
  co_return Result<void>();
}

asio::awaitable<Result<Evidence>> KeyVault::preflight_rotate(RootKey key, Clock::Mono deadline) {
  auto place = place_of(key.ref);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto current = co_await get_key(*place, std::string(), deadline);
  if (!current) co_return std::unexpected(std::move(current.error()));
  auto unfit = unfit_for_rotation(current->bundle, current->where);
  if (unfit) co_return std::unexpected(std::move(*unfit));
  if (key.origin == Origin::imported || is_marked_imported(current->bundle)) {
    auto importable = co_await preflight_import(std::move(*place), std::move(*current), deadline);
    co_return importable;
  }
  auto kind = choose_rotation_call(options_.rotate_by, current->bundle, current->where);
  if (!kind) co_return std::unexpected(std::move(kind.error()));
  Evidence evidence = std::move(current->evidence);
  evidence.notes["rotation_call"] = to_text(*kind);
  auto const obstacle = undescribable(current->bundle);
  if (!obstacle.empty()) evidence.notes["rotation_call_reason"] = obstacle;
  auto budget = co_await check_version_budget(*place, evidence, deadline);
  if (!budget) co_return std::unexpected(std::move(budget.error()));
  if (*kind == RotationCall::rotate) {
    auto policy = co_await check_policy(*place, current->bundle, false, evidence, deadline);
    if (!policy) co_return std::unexpected(std::move(policy.error()));
  }
  co_return evidence;
}

asio::awaitable<Result<RotateReceipt>> KeyVault::rotate(RotateOrder order, Clock::Mono deadline) {
  auto place = place_of(order.key.ref);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto current = co_await get_key(*place, std::string(), deadline);
  if (!current) co_return std::unexpected(before_rotating(std::move(current.error())));
  auto const& bundle = current->bundle;
  auto unfit = unfit_for_rotation(bundle, current->where);
  if (unfit) co_return std::unexpected(std::move(*unfit));
  if (order.key.current && order.key.current->str() != bundle.id.version) {
    co_return std::unexpected(
        refusal(fmt::format("the current version is {}, not {} as when this rotation began",
                            bundle.id.version, order.key.current->str()),
                {}, current->where, ErrorClass::conflict));
  }
  if (order.material) {
    auto imported = co_await import_version(*place, bundle, std::move(order), deadline);
    co_return imported;
  }
  if (is_marked_imported(bundle)) {
    co_return std::unexpected(
        refusal("the key's material was imported: a new version needs new material from its owner",
                "name a source of it in the policy (material: NAME), or import a version by hand: rekeyd "
                "will find it "
                "and move the dependants",
                current->where));
  }
  auto kind = choose_rotation_call(options_.rotate_by, bundle, current->where);
  if (!kind) co_return std::unexpected(std::move(kind.error()));
  Evidence done_before;
  if (*kind == RotationCall::rotate) {
    auto policy = co_await check_policy(*place, bundle, true, done_before, deadline);
    if (!policy) co_return std::unexpected(before_rotating(std::move(policy.error())));
  }
  auto call = rotation_call(*kind, place->path(), bundle, order.operation, clock_.wall_now());
  auto reply = co_await access_.call(*place->vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  std::string const operation = *kind == RotationCall::create ? order.operation.str() : std::string();
  auto receipt = read_receipt(*place, *reply, bundle, operation);
  if (!receipt) co_return std::unexpected(after_rotating(std::move(receipt.error())));
  receipt->evidence.notes = std::move(done_before.notes);
  receipt->evidence.notes["rotation_call"] = to_text(*kind);
  co_return receipt;
}

Result<RotateReceipt> KeyVault::read_receipt(Place const& place, VaultReply const& reply,
                                             KeyBundle const& before, std::string const& operation) {
  auto bundle = parse_key_bundle(reply.response.body, reply.where);
  if (!bundle) return std::unexpected(std::move(bundle.error()));
  auto version = key_version(bundle->id, bundle->attributes, bundle->tags);
  std::string defect;
  if (bundle->id.host != place.vault->endpoint.host || bundle->id.name != place.key) {
    defect = "kid names another key than the one that was to be rotated";
  } else if (bundle->id.version == before.id.version) {
    defect = "kid names the old version, not a new one";
  } else if (!operation.empty() && version.operation != RotationId(operation)) {
    defect = fmt::format("tags.{} is not the operation id that was sent", operation_tag);
  }
  if (!defect.empty()) {
    auto error = malformed_answer(defect, reply.where);
    error.request_id = reply.evidence.request_id;
    return std::unexpected(std::move(error));
  }
  auto const now = clock_.mono_now();
  auto const lag = traits_.capabilities.visibility_lag;
  std::erase_if(made_here_, [now, lag](auto const& made) { return now - made.second > lag; });
  made_here_[{place.text(), version.id.str()}] = now;
  RotateReceipt receipt;
  receipt.version = std::move(version);
  receipt.evidence = reply.evidence;
  return receipt;
}

}  // namespace rekeyd::providers::azure

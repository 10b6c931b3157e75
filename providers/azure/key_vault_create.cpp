// Making a root key like another one, to take its place.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

constexpr unsigned aes_bits = 256;

KeyRef wanted_ref(ProviderName const& provider, CreateOrder const& order) {
  return {provider, order.vault, KeyId(order.name)};
}

/// Of a key that this provider entry cannot read, all that is known is its type; what it wraps goes on being
/// wrapped. Key Vault keeps symmetric keys in its dearest tier only, so an RSA key stands in for them.
CreateKey like_another_providers(RootKey const& like, RotationId const& operation, bool symmetric) {
  constexpr unsigned rsa_bits = 3072;
  bool const aes = like.type.algorithm == KeyAlgorithm::aes;
  CreateKey key;
  if (aes && symmetric) {
    key.key_type = "oct-HSM";
    key.key_size = aes_bits;
  } else {
    key.key_type = like.type.protection == Protection::hsm || symmetric ? "RSA-HSM" : "RSA";
    key.key_size = aes || like.type.bits == 0 ? rsa_bits : like.type.bits;
  }
  key.operations = {"wrapKey", "unwrapKey"};
  key.tags[operation_tag] = operation.str();
  return key;
}

std::optional<Error> refuse_as_model(RootKey const& like) {
  if (like.origin == Origin::imported) {
    return refusal("the key's material was imported: rekeyd makes no key like it",
                   "import the successor's material by hand and name the key (--by)", like.ref.text());
  }
  return std::nullopt;
}

}  // namespace

asio::awaitable<Result<CreateKey>> KeyVault::likeness(CreateOrder order, Clock::Mono deadline) {
  RootKey const& like = order.like;
  auto refused = refuse_as_model(like);
  if (refused) co_return std::unexpected(std::move(*refused));
  if (like.ref.provider != options_.name) {
    if (like.exportable || !like.release_policy.empty()) {
      co_return std::unexpected(refusal(
          "the key is exportable, and its release policy cannot be read by this provider entry",
          "make the successor by hand, with the release policy, and name it (--by)", like.ref.text()));
    }
    bool const symmetric = options_.kind == AzureKind::managed_hsm;
    co_return like_another_providers(like, order.operation, symmetric);
  }
  auto place = place_of(like.ref);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto model = co_await get_key(*place, std::string(), deadline);
  if (!model) co_return std::unexpected(std::move(model.error()));
  // Not all api-versions tell how long a symmetric key is: the longest serves for any DEK.
  bool const of_unknown_size =
      model->bundle.type().algorithm == KeyAlgorithm::aes && model->bundle.type().bits == 0;
  if (of_unknown_size) model->bundle.attributes.key_size = aes_bits;
  auto const obstacle = undescribable(model->bundle);
  if (!obstacle.empty()) {
    co_return std::unexpected(refusal("no key like it can be made: " + obstacle,
                                      "make the successor by hand and name it (--by)", model->where));
  }
  co_return next_version(model->bundle, order.operation, clock_.wall_now());
}

asio::awaitable<Result<std::optional<KeyRef>>> KeyVault::find_created(CreateOrder order,
                                                                      Clock::Mono deadline) {
  KeyRef ref = wanted_ref(options_.name, order);
  Result<KeyDescription> const there = co_await describe(ref, deadline);
  if (!there && there.error().error_class != ErrorClass::not_found) {
    co_return std::unexpected(there.error());
  }
  if (!there) {
    auto const possible = co_await likeness(order, deadline);
    if (!possible) co_return std::unexpected(possible.error());
    co_return std::nullopt;
  }
  if (there->key.state == KeyState::destroyed) {
    co_return std::unexpected(refusal("a deleted key has this name, and keeps it until it is purged",
                                      "take another name", ref.text()));
  }
  bool const ours = std::ranges::any_of(
      there->versions, [&order](KeyVersion const& version) { return version.operation == order.operation; });
  if (ours) co_return there->key.ref;
  co_return std::unexpected(refusal("a key of this name is there already",
                                    "take another name, or name the key as it is (--by)", ref.text()));
}

asio::awaitable<Result<CreateReceipt>> KeyVault::create(CreateOrder order, Clock::Mono deadline) {
  auto place = place_of(wanted_ref(options_.name, order));
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto key = co_await likeness(order, deadline);
  if (!key) {
    key.error().delivery = Delivery::not_sent;
    co_return std::unexpected(std::move(key.error()));
  }
  VaultCall call;
  call.method = "POST";
  call.path = place->path() + "/create";
  call.repeatable = Repeatable::no;
  call.body = write_create_key(*key);
  auto reply = co_await access_.call(*place->vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto made = read_receipt(*place, *reply, KeyBundle(), order.operation.str());
  if (!made) {
    made.error().delivery = Delivery::maybe_applied;
    co_return std::unexpected(std::move(made.error()));
  }
  CreateReceipt receipt;
  receipt.key = ref_of(*place->vault, place->key);
  receipt.evidence = std::move(made->evidence);
  co_return receipt;
}

}  // namespace rekeyd::providers::azure

// Bringing new material to Key Vault and Managed HSM as a key's next version.
#include "providers/azure/key_vault_import_json.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

std::optional<Error> unfit_material(KeyBundle const& current, KeyMaterial const& material,
                                    std::string const& where) {
  auto const type = current.type();
  bool const size_fits = type.bits == 0 || type.bits == material.type.bits;
  if (type.algorithm != material.type.algorithm || !size_fits) {
    return material_error(
        "material_unfit",
        fmt::format("the key's type is {} of {} bits, the material's is {} of {} bits",
                    to_text(type.algorithm), type.bits, to_text(material.type.algorithm), material.type.bits),
        where, "give the source material that fits the key");
  }
  if (auto const curve = curve_of(material); curve != current.curve) {
    return material_error("material_unfit",
                          fmt::format("the key's curve is {}, the material's is {}", current.curve, curve),
                          where, "give the source a key on that curve");
  }
  // It would be a new version that protects nothing new.
  if (is_key_of(current, material)) {
    return material_error("material_not_renewed", "the material is that of the key's current version", where,
                          "give the source new material, then `rekeyctl retry`");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Error> refuse_import(KeyBundle const& key, std::string const& where) {
  if (key.attributes.external) {
    return material_error("external_key", "the key's material lives in an HSM outside Azure", where,
                          "rotate it there, or exclude the key from rekeyd's policies");
  }
  if (key.type().algorithm == KeyAlgorithm::other) {
    return material_error("material_unfit", fmt::format("keys of type {} are not imported", key.key_type),
                          where, "exclude the key from rekeyd's policies");
  }
  auto const kept = inherited_tags(key).size();
  if (kept >= tags_max) {
    return material_error("tags_full", fmt::format("its {} tags leave no room for the operation id", kept),
                          where, "remove a tag: without it a lost answer could not be settled");
  }
  return std::nullopt;
}

CreateKey next_imported_version(KeyBundle const& key, RotationId const& operation, Instant now) {
  CreateKey next = next_version(key, operation, now);
  bool const room = next.tags.size() < tags_max;
  if (room) next.tags.try_emplace(origin_tag, "imported");
  return next;
}

asio::awaitable<Result<Evidence>> KeyVault::preflight_import(Place place, BundleReply current,
                                                             Clock::Mono deadline) {
  auto refused = refuse_import(current.bundle, current.where);
  if (refused) co_return std::unexpected(std::move(*refused));
  Evidence evidence = std::move(current.evidence);
  evidence.notes["rotation_call"] = "import";
  auto budget = co_await check_version_budget(place, evidence, deadline);
  if (!budget) co_return std::unexpected(std::move(budget.error()));
  co_return evidence;
}

asio::awaitable<Result<RotateReceipt>> KeyVault::import_version(Place place, KeyBundle current,
                                                                RotateOrder order, Clock::Mono deadline) {
  auto const& material = *order.material;
  auto refused = refuse_import(current, place.text());
  if (!refused) refused = unfit_material(current, material, place.text());
  if (refused) co_return std::unexpected(std::move(*refused));
  VaultCall call;
  call.method = "PUT";
  call.path = place.path();
  call.repeatable = Repeatable::no;
  call.body = write_import_key(next_imported_version(current, order.operation, clock_.wall_now()), material);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto receipt = read_receipt(place, *reply, current, order.operation.str());
  if (!receipt) {
    // The new version may be there although its description cannot be used: only the version list can tell.
    receipt.error().delivery = Delivery::maybe_applied;
    co_return std::unexpected(std::move(receipt.error()));
  }
  receipt->evidence.notes["rotation_call"] = "import";
  receipt->evidence.notes["material"] = material.fingerprint;
  co_return receipt;
}

}  // namespace rekeyd::providers::azure

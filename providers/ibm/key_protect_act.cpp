// What Key Protect does for us: new key versions, wrapped DEKs moved to them.
#include "providers/encoding.hpp"
#include "providers/ibm/key_protect_provider.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;

namespace {

constexpr char floor_code[] = "KEY_ROTATION_NOT_PERMITTED";

std::string dek_place(WrappedDek const& dek) {
  return fmt::format("wrapped DEK {} of {}", dek.id.str(), dek.key.text());
}

// The service does not say when the hour is over; the key's own record of its last rotation does.
void tell_when(Error& error, KeyRecord const& record, IbmFlavour const& flavour, Instant now) {
  auto const floor = flavour.capabilities.rotation_floor;
  if (error.code != floor_code || error.retry_after || !record.key.last_rotated || !floor) return;
  auto const wait = *record.key.last_rotated + *floor - now;
  error.retry_after = std::clamp(wait, std::chrono::seconds(0), *floor);
}

}  // namespace

std::optional<Error> KeyProtect::refuse_rotation(KeyRecord const& record, std::string const& where) const {
  auto const& key = record.key;
  if (!record.root_key) {
    return misuse(ErrorClass::permanent, "this is a standard key, not a root key",
                  "exclude it from the policies", where);
  }
  if (key.state == KeyState::active) return std::nullopt;
  if (key.state == KeyState::deactivated && flavour_.capabilities.deactivated_may_rotate) return std::nullopt;
  char const* const remedy = key.state == KeyState::suspended
                                 ? "enable the key, or exclude it from the policies"
                                 : "exclude the key from rekeyd's policies";
  return misuse(ErrorClass::permanent,
                fmt::format("the key is {}: {} does not rotate it", to_text(key.state), flavour_.service),
                remedy, where);
}

asio::awaitable<Result<Evidence>> KeyProtect::preflight_rotate(RootKey key, Clock::Mono deadline) {
  auto place = place_of(key.ref);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto metadata = co_await get_metadata(*place, deadline);
  if (!metadata) co_return std::unexpected(std::move(metadata.error()));
  auto refused = refuse_rotation(metadata->record, metadata->where);
  if (refused) co_return std::unexpected(std::move(*refused));
  Evidence evidence = std::move(metadata->evidence);
  auto const& fresh = metadata->record.key;
  if (fresh.state == KeyState::deactivated) {
    evidence.notes["deactivated"] = "a rotation neither reactivates the key nor moves its expiration";
  }
  if (fresh.provider_rotation && fresh.provider_rotation->enabled) {
    evidence.notes["provider_rotation"] = fresh.provider_rotation->interval;
  }
  co_return evidence;
}

asio::awaitable<Result<RotateReceipt>> KeyProtect::rotate(RotateOrder order, Clock::Mono deadline) {
  auto place = place_of(order.key.ref);
  if (!place) co_return std::unexpected(std::move(place.error()));
  // Whether material was imported and which version is current is asked now, not remembered.
  auto metadata = co_await get_metadata(*place, deadline);
  if (!metadata) {
    metadata.error().delivery = Delivery::not_sent;
    co_return std::unexpected(std::move(metadata.error()));
  }
  auto const& record = metadata->record;
  auto refused = refuse_rotation(record, metadata->where);
  if (refused) co_return std::unexpected(std::move(*refused));
  if (order.key.current && record.key.current && *order.key.current != *record.key.current) {
    co_return std::unexpected(
        misuse(ErrorClass::conflict,
               fmt::format("the current version is {}, not {} as when this rotation began",
                           record.key.current->str(), order.key.current->str()),
               {}, metadata->where));
  }
  refused = refuse_material(record.key.origin, order.material.get(), metadata->where);
  if (refused) co_return std::unexpected(std::move(*refused));
  auto reply = co_await send_rotate(*place, order.material, deadline);
  if (!reply) {
    tell_when(reply.error(), record, flavour_, clock_.wall_now());
    co_return std::unexpected(std::move(reply.error()));
  }
  // 204 without a body: the new version's id is for the version list to tell.
  RotateReceipt receipt;
  receipt.evidence = std::move(reply->evidence);
  if (order.material) receipt.evidence.notes["material"] = order.material->fingerprint;
  co_return receipt;
}

// Tags, dates and key ring are the key's and not its version's: a rotation does not touch them, and who
// changed them meanwhile is told by the inventory. Left is what would keep dependants from using the new
// version.
std::vector<std::string> KeyProtect::inheritance_defects(RootKey const& before, RootKey const& after) const {
  std::vector<std::string> defects;
  if (after.state != before.state && after.state != KeyState::active) {
    defects.push_back(fmt::format("the key was {} and is {}", to_text(before.state), to_text(after.state)));
  }
  if (after.origin != before.origin) defects.push_back("the origin of the key's material changed");
  return defects;
}

asio::awaitable<Result<KeyProtect::DekReply>> KeyProtect::dek_action(WrappedDek const& dek,
                                                                     std::string action,
                                                                     Clock::Mono deadline) {
  auto place = place_of(dek.key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto const bytes = from_base64(dek.ciphertext);
  if (!bytes || bytes->empty()) {
    co_return std::unexpected(misuse(ErrorClass::permanent, "the wrapped DEK is not base64",
                                     "restore it from a backup", dek_place(dek)));
  }
  InstanceCall call;
  call.method = "POST";
  call.path = fmt::format("{}/actions/{}", place->path(), action);
  call.content_type = fmt::format("application/vnd.ibm.kms.key_action_{}+json", action);
  call.body = write_dek_request(dek.ciphertext, dek.aad);
  auto reply = co_await access_.call(*place->instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto answer = parse_dek_answer(reply->response.body, reply->where);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  DekReply result;
  result.answer = std::move(*answer);
  result.evidence = std::move(reply->evidence);
  result.where = std::move(reply->where);
  co_return result;
}

asio::awaitable<Result<Secret>> KeyProtect::unwrap(WrappedDek dek, Clock::Mono deadline) {
  auto reply = co_await dek_action(dek, "unwrap", deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto& answer = reply->answer;
  if (!answer.plaintext) co_return std::unexpected(malformed_answer("plaintext is missing", reply->where));
  // Nobody can choose the version here, so a record that names another one is found out.
  if (answer.version && !dek.version.empty() && *answer.version != dek.version) {
    co_return std::unexpected(misuse(ErrorClass::conflict,
                                     fmt::format("it was wrapped by key version {}, not by {} as recorded",
                                                 answer.version->str(), dek.version.str()),
                                     "correct the record of the wrapped DEK", dek_place(dek)));
  }
  co_return std::move(*answer.plaintext);
}

asio::awaitable<Result<Rewrapped>> KeyProtect::rewrap(WrappedDek dek, VersionId target, bool,
                                                      Clock::Mono deadline) {
  auto reply = co_await dek_action(dek, "rewrap", deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto const& answer = reply->answer;
  if (!from_base64(answer.ciphertext) || answer.ciphertext.empty()) {
    co_return std::unexpected(malformed_answer("ciphertext should be base64", reply->where));
  }
  // Some clients lose rewrappedKeyVersion; what the WDEK says of itself stands in, nothing else does.
  auto const handle = wdek_handle(answer.ciphertext);
  auto const version = answer.rewrapped_version ? answer.rewrapped_version : handle;
  if (!version) co_return std::unexpected(malformed_answer("rewrappedKeyVersion is missing", reply->where));
  if (*version != target) {
    co_return std::unexpected(misuse(ErrorClass::conflict,
                                     fmt::format("the service re-wrapped it with key version {}, not with {}",
                                                 version->str(), target.str()),
                                     {}, dek_place(dek)));
  }
  dek.version = target;
  dek.ciphertext = answer.ciphertext;
  Rewrapped rewrapped;
  rewrapped.dek = std::move(dek);
  rewrapped.evidence = std::move(reply->evidence);
  if (answer.version) rewrapped.evidence.notes["wrapped_before_by"] = answer.version->str();
  if (handle && *handle != target) rewrapped.evidence.notes["wdek_handle"] = handle->str();
  co_return rewrapped;
}

// Nobody can choose the version here: it is the current one, and that has to be the one that was asked for.
asio::awaitable<Result<Rewrapped>> KeyProtect::wrap(Secret plaintext, WrappedDek as, bool,
                                                    Clock::Mono deadline) {
  auto place = place_of(as.key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  InstanceCall call;
  call.method = "POST";
  call.path = place->path() + "/actions/wrap";
  call.content_type = "application/vnd.ibm.kms.key_action_wrap+json";
  call.body = write_wrap_request(plaintext, as.aad);
  auto reply = co_await access_.call(*place->instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto const answer = parse_dek_answer(reply->response.body, reply->where);
  if (!answer) co_return std::unexpected(answer.error());
  if (!from_base64(answer->ciphertext) || answer->ciphertext.empty()) {
    co_return std::unexpected(malformed_answer("ciphertext should be base64", reply->where));
  }
  auto const handle = wdek_handle(answer->ciphertext);
  auto const version = answer->version ? answer->version : handle;
  if (!version) co_return std::unexpected(malformed_answer("keyVersion is missing", reply->where));
  if (*version != as.version) {
    co_return std::unexpected(misuse(ErrorClass::conflict,
                                     fmt::format("the service wrapped it with key version {}, not with {}",
                                                 version->str(), as.version.str()),
                                     {}, dek_place(as)));
  }
  as.ciphertext = answer->ciphertext;
  as.algorithm.clear();
  Rewrapped wrapped;
  wrapped.dek = std::move(as);
  wrapped.evidence = std::move(reply->evidence);
  wrapped.evidence.notes["wrap"] = "service";
  co_return wrapped;
}

asio::awaitable<Result<Evidence>> KeyProtect::set_version_enabled(KeyRef key, VersionId, bool, Clock::Mono) {
  co_return std::unexpected(misuse(ErrorClass::permanent,
                                   fmt::format("{} has no switch for one key version", flavour_.service),
                                   "disable or delete the whole key if that is meant", key.text()));
}

}  // namespace rekeyd::providers::ibm

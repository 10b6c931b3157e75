// Wrapped DEKs at Key Vault and Managed HSM: unwrap with the version that wrapped, wrap with the new one.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/key_vault_provider.hpp"
#include "providers/encoding.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

std::string place_text(WrappedDek const& dek) {
  return fmt::format("wrapped DEK {} of {}", dek.id.str(), dek.key.text());
}

std::optional<Error> refuse_additional_data(WrappedDek const& dek) {
  if (dek.aad.empty()) return std::nullopt;
  return refusal("it has additional authenticated data, which Azure's key wrapping does not know",
                 "remove the additional data from the record", place_text(dek));
}

// All of a WDEK comes from a file that anybody may have written; what goes into a path or a body is checked.
std::optional<Error> refuse_dek(WrappedDek const& dek) {
  std::string const where = place_text(dek);
  if (!is_version_id(dek.version.str())) {
    return refusal("its key version is no id of a version", "correct the record of the wrapped DEK", where);
  }
  if (!is_wrap_algorithm(dek.algorithm)) {
    return refusal(fmt::format("its algorithm '{}' is none that wraps keys", body_excerpt(dek.algorithm)),
                   "use RSA-OAEP-256, RSA-OAEP, RSA1_5, A128KW, A192KW or A256KW", where);
  }
  return refuse_additional_data(dek);
}

std::optional<Error> refuse_size(Secret const& dek, std::string_view algorithm, std::string const& where) {
  bool const key_wrap = algorithm.ends_with("KW");
  // RFC 3394: at least two blocks of eight bytes. RSA's bound is the key's own; the service knows it.
  if (!key_wrap || (dek.size() >= 16 && dek.size() % 8 == 0)) return std::nullopt;
  return refusal(fmt::format("a DEK of {} bytes cannot be wrapped with {}: multiples of 8 from 16 on can",
                             dek.size(), algorithm),
                 {}, where);
}

VaultCall operation_call(std::string path, std::string_view algorithm, std::string_view value) {
  VaultCall call;
  call.method = "POST";
  call.path = std::move(path);
  call.body = write_operation(algorithm, value);
  return call;
}

}  // namespace

// A version that we made may not be visible everywhere yet; any other 404 is what it says.
Error KeyVault::not_visible_yet(Error error, std::string const& key_text, std::string const& version) const {
  auto const made = made_here_.find({key_text, version});
  if (error.error_class != ErrorClass::not_found || made == made_here_.end()) return error;
  if (clock_.mono_now() - made->second > traits_.capabilities.visibility_lag) return error;
  error.error_class = ErrorClass::transient;
  error.what = fmt::format("the new version is not visible yet ({})", error.what);
  error.retry_after = std::chrono::seconds(5);
  error.remedy.clear();
  return error;
}

asio::awaitable<Result<WrapTargetPtr>> KeyVault::look_at_target(Place place, VersionId version,
                                                                Clock::Mono deadline) {
  std::string const url = place.text() + "/" + version.str();
  if (auto fresh = targets_.find(url, clock_.mono_now())) co_return fresh;
  auto current = co_await get_key(place, version.str(), deadline);
  if (!current) {
    co_return std::unexpected(not_visible_yet(std::move(current.error()), place.text(), version.str()));
  }
  auto target = make_wrap_target(current->bundle, clock_.wall_now(), current->where);
  if (target) targets_.keep(url, *target, clock_.mono_now());
  co_return target;
}

asio::awaitable<Result<KeyVault::UnwrappedDek>> KeyVault::unwrap_at_service(Place place, WrappedDek dek,
                                                                            Clock::Mono deadline) {
  auto refused = refuse_dek(dek);
  if (refused) co_return std::unexpected(std::move(*refused));
  auto const bytes = from_base64url(dek.ciphertext);
  if (!bytes || bytes->empty()) {
    co_return std::unexpected(
        refusal("the wrapped DEK is not base64url", "restore it from a backup", place_text(dek)));
  }
  // Never the versionless form: the current version is not the one that wrapped.
  std::string const path = fmt::format("{}/{}/unwrapkey", place.path(), dek.version.str());
  auto call = operation_call(path, dek.algorithm, to_base64url(*bytes));
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto result = parse_operation_result(reply->response.body, reply->where);
  if (!result) co_return std::unexpected(std::move(result.error()));
  if (result->id.name != place.key || result->id.version != dek.version.str()) {
    co_return std::unexpected(malformed_answer("kid names another key version", reply->where));
  }
  auto plaintext = secret_from_base64url(result->value);
  if (!plaintext || plaintext->empty()) {
    co_return std::unexpected(malformed_answer("value is not base64url", reply->where));
  }
  UnwrappedDek unwrapped;
  unwrapped.dek = std::move(*plaintext);
  unwrapped.evidence = std::move(reply->evidence);
  co_return unwrapped;
}

asio::awaitable<Result<Secret>> KeyVault::unwrap(WrappedDek dek, Clock::Mono deadline) {
  auto place = place_of(dek.key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  std::string const version = dek.version.str();
  auto unwrapped = co_await unwrap_at_service(*place, std::move(dek), deadline);
  if (!unwrapped) {
    co_return std::unexpected(not_visible_yet(std::move(unwrapped.error()), place->text(), version));
  }
  co_return std::move(unwrapped->dek);
}

asio::awaitable<Result<Rewrapped>> KeyVault::rewrap(WrappedDek dek, VersionId target,
                                                    bool wrap_at_service_too, Clock::Mono deadline) {
  auto place = place_of(dek.key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  if (!is_version_id(target.str())) {
    co_return std::unexpected(refusal("the target is no id of a key version", {}, dek.key.text()));
  }
  auto refused = refuse_dek(dek);
  if (refused) co_return std::unexpected(std::move(*refused));
  // Each call may wait for room under the published limits: none of them takes the others' time.
  auto const patience = deadline - clock_.mono_now();
  // First the look at the target: no DEK is unwrapped that cannot be wrapped again.
  auto wrapper = co_await look_at_target(*place, target, deadline);
  if (!wrapper) co_return std::unexpected(std::move(wrapper.error()));
  auto algorithm = wrap_algorithm(**wrapper, dek.algorithm, place_text(dek));
  if (!algorithm) co_return std::unexpected(std::move(algorithm.error()));
  deadline = clock_.mono_now() + patience;
  auto unwrapped = co_await unwrap_at_service(*place, dek, deadline);
  if (!unwrapped) co_return std::unexpected(std::move(unwrapped.error()));
  dek.version = target;
  deadline = clock_.mono_now() + patience;
  Wrapping wrapping;
  wrapping.target = std::move(*wrapper);
  wrapping.algorithm = std::move(*algorithm);
  wrapping.at_service = wrap_at_service_too;
  auto wrapped =
      co_await wrap_unwrapped(*place, std::move(dek), std::move(*unwrapped), std::move(wrapping), deadline);
  co_return wrapped;
}

asio::awaitable<Result<Rewrapped>> KeyVault::wrap(Secret plaintext, WrappedDek as, bool wrap_at_service_too,
                                                  Clock::Mono deadline) {
  auto place = place_of(as.key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  if (!is_version_id(as.version.str())) {
    co_return std::unexpected(refusal("the target is no id of a key version", {}, as.key.text()));
  }
  auto refused = refuse_additional_data(as);
  if (refused) co_return std::unexpected(std::move(*refused));
  auto const patience = deadline - clock_.mono_now();
  auto wrapper = co_await look_at_target(*place, as.version, deadline);
  if (!wrapper) co_return std::unexpected(std::move(wrapper.error()));
  auto algorithm = first_wrap_algorithm(**wrapper, place_text(as));
  if (!algorithm) co_return std::unexpected(std::move(algorithm.error()));
  deadline = clock_.mono_now() + patience;
  UnwrappedDek unwrapped;
  unwrapped.dek = std::move(plaintext);
  Wrapping wrapping;
  wrapping.target = std::move(*wrapper);
  wrapping.algorithm = std::move(*algorithm);
  wrapping.at_service = wrap_at_service_too;
  auto wrapped =
      co_await wrap_unwrapped(*place, std::move(as), std::move(unwrapped), std::move(wrapping), deadline);
  co_return wrapped;
}

/// `as` with the DEK wrapped anew; the evidence is that of the unwrapping where nothing has to be asked.
asio::awaitable<Result<Rewrapped>> KeyVault::wrap_unwrapped(Place place, WrappedDek as,
                                                            UnwrappedDek unwrapped, Wrapping wrapping,
                                                            Clock::Mono deadline) {
  std::string const where = place_text(as);
  auto misfit = refuse_size(unwrapped.dek, wrapping.algorithm, where);
  if (misfit) co_return std::unexpected(std::move(*misfit));
  if (wrapping.at_service || !wrapping.target->rsa) {
    auto wrapped = co_await wrap_at_service(place, std::move(as), std::move(wrapping.algorithm),
                                            std::move(unwrapped.dek), deadline);
    bool const unwrapped_here = wrapped && !unwrapped.evidence.request_id.empty();
    if (unwrapped_here) wrapped->evidence.notes["unwrap_request_id"] = unwrapped.evidence.request_id;
    co_return wrapped;
  }
  auto ciphertext = wrapping.target->rsa->wrap(unwrapped.dek, where);
  if (!ciphertext) co_return std::unexpected(std::move(ciphertext.error()));
  as.ciphertext = std::move(*ciphertext);
  as.algorithm = std::move(wrapping.algorithm);
  Rewrapped rewrapped;
  rewrapped.dek = std::move(as);
  rewrapped.evidence = std::move(unwrapped.evidence);
  rewrapped.evidence.notes["wrap"] = "local";
  co_return rewrapped;
}

asio::awaitable<Result<Rewrapped>> KeyVault::wrap_at_service(Place place, WrappedDek dek,
                                                             std::string algorithm, Secret plaintext,
                                                             Clock::Mono deadline) {
  Body value;
  append_base64url(value, plaintext);
  std::string const path = fmt::format("{}/{}/wrapkey", place.path(), dek.version.str());
  auto call = operation_call(path, algorithm, value);
  auto reply = co_await access_.call(*place.vault, std::move(call), deadline);
  if (!reply) {
    co_return std::unexpected(not_visible_yet(std::move(reply.error()), place.text(), dek.version.str()));
  }
  auto result = parse_operation_result(reply->response.body, reply->where);
  if (!result) co_return std::unexpected(std::move(result.error()));
  if (result->id.name != place.key || result->id.version != dek.version.str()) {
    co_return std::unexpected(malformed_answer("kid names another key version", reply->where));
  }
  auto const wrapped = from_base64url(result->value);
  if (!wrapped || wrapped->size() <= plaintext.size()) {
    co_return std::unexpected(malformed_answer("value is no wrapped DEK", reply->where));
  }
  dek.ciphertext = to_base64url(*wrapped);
  dek.algorithm = std::move(algorithm);
  Rewrapped rewrapped;
  rewrapped.dek = std::move(dek);
  rewrapped.evidence = std::move(reply->evidence);
  rewrapped.evidence.notes["wrap"] = "service";
  co_return rewrapped;
}

}  // namespace rekeyd::providers::azure

#include "providers/azure/wrap_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers::azure {

namespace {

constexpr std::array<std::string_view, 3> rsa_algorithms{"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};
constexpr std::array<std::string_view, 3> aes_algorithms{"A128KW", "A192KW", "A256KW"};

bool is_one_of(std::array<std::string_view, 3> const& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Error unfit(ErrorClass error_class, std::string what, std::string remedy, std::string const& where) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = where;
  error.remedy = std::move(remedy);
  return error;
}

std::optional<Error> refuse_target(KeyBundle const& bundle, Instant now, std::string const& where) {
  auto const& attributes = bundle.attributes;
  if (!attributes.enabled) {
    return unfit(ErrorClass::conflict, "the key version is disabled and must not wrap",
                 "enable the version, or find out who disabled it", where);
  }
  if (attributes.expires && *attributes.expires <= now) {
    return unfit(
        ErrorClass::conflict,
        fmt::format("the key version expired on {} and must not wrap", to_rfc3339(*attributes.expires)),
        "rotate the key, or move its expiry", where);
  }
  if (attributes.not_before && *attributes.not_before > now) {
    return unfit(ErrorClass::conflict,
                 fmt::format("the key version is not valid before {}", to_rfc3339(*attributes.not_before)),
                 "wait, or move its activation date", where);
  }
  if (!bundle.operations.empty() && !bundle.operations.contains("wrapKey")) {
    return unfit(ErrorClass::permanent, "the key's operations leave out wrapKey",
                 "add wrapKey to the key's operations (key_ops)", where);
  }
  return std::nullopt;
}

}  // namespace

Result<WrapTargetPtr> make_wrap_target(KeyBundle const& bundle, Instant now, std::string const& where) {
  if (auto refusal = refuse_target(bundle, now, where)) return std::unexpected(std::move(*refusal));
  auto target = std::make_shared<WrapTarget>();
  target->algorithm = bundle.type().algorithm;
  target->bits = bundle.type().bits;
  if (target->algorithm == KeyAlgorithm::rsa) {
    auto rsa = RsaPublicKey::from_jwk(bundle.modulus, bundle.exponent, where);
    if (!rsa) return std::unexpected(std::move(rsa.error()));
    target->rsa.emplace(std::move(*rsa));
  }
  return target;
}

Result<std::string> wrap_algorithm(WrapTarget const& target, std::string_view previous,
                                   std::string const& where) {
  if (target.algorithm == KeyAlgorithm::rsa) return std::string(rsa_algorithms.front());
  if (target.algorithm == KeyAlgorithm::aes && is_one_of(aes_algorithms, previous)) {
    return std::string(previous);
  }
  return std::unexpected(
      unfit(ErrorClass::permanent,
            fmt::format("a DEK wrapped with {} cannot be wrapped by the new version, an {} key", previous,
                        to_text(target.algorithm)),
            "the key's type changed: move its DEKs to another key by hand", where));
}

Result<std::string> first_wrap_algorithm(WrapTarget const& target, std::string const& where) {
  if (target.algorithm == KeyAlgorithm::rsa) return std::string(rsa_algorithms.front());
  if (target.algorithm == KeyAlgorithm::aes) {
    return fmt::format("A{}KW", target.bits == 0 ? 256U : target.bits);
  }
  return std::unexpected(unfit(ErrorClass::permanent,
                               fmt::format("an {} key cannot wrap", to_text(target.algorithm)),
                               "name an RSA or symmetric key", where));
}

bool is_wrap_algorithm(std::string_view algorithm) {
  return is_one_of(rsa_algorithms, algorithm) || is_one_of(aes_algorithms, algorithm);
}

WrapTargetPtr WrapTargetCache::find(std::string const& version_url, Clock::Mono now) const {
  auto const look = looks_.find(version_url);
  return look != looks_.end() && now < look->second.until ? look->second.target : nullptr;
}

void WrapTargetCache::keep(std::string const& version_url, WrapTargetPtr target, Clock::Mono now) {
  std::erase_if(looks_, [now](auto const& entry) { return entry.second.until <= now; });
  looks_.insert_or_assign(version_url, Look{std::move(target), now + fresh_for});
}

}  // namespace rekeyd::providers::azure

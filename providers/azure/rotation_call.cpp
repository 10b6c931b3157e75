#include "providers/azure/rotation_call.hpp"

#include "policy/upkeep.hpp"
#include "providers/azure/azure_error.hpp"
#include "providers/encoding.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers::azure {

namespace {

std::optional<std::int64_t> read_exponent(std::string_view text) {
  auto const bytes = from_base64url(text);
  if (!bytes || bytes->empty() || bytes->size() > 4) return std::nullopt;
  std::int64_t exponent = 0;
  for (char const byte : *bytes) exponent = exponent * 256 + static_cast<unsigned char>(byte);
  // The create call takes a 32-bit integer.
  if (exponent > 0x7fffffff) return std::nullopt;
  return exponent;
}

std::string undescribable_type(KeyBundle const& key) {
  constexpr std::array<unsigned, 3> rsa_sizes{2048, 3072, 4096};
  constexpr std::array<unsigned, 3> aes_sizes{128, 192, 256};
  auto const type = key.type();
  switch (type.algorithm) {
    case KeyAlgorithm::rsa:
      if (std::ranges::find(rsa_sizes, type.bits) == rsa_sizes.end()) {
        return fmt::format("its size of {} bits is none that create offers", type.bits);
      }
      return read_exponent(key.exponent) ? "" : "its public exponent is none that create takes";
    case KeyAlgorithm::ec:
      return key.curve.empty() ? "the service does not tell its curve" : "";
    case KeyAlgorithm::aes:
      return std::ranges::find(aes_sizes, type.bits) == aes_sizes.end()
                 ? "this api-version does not tell the size of a symmetric key"
                 : "";
    case KeyAlgorithm::other:
      break;
  }
  return "its type is unknown";
}

}  // namespace

char const* to_text(RotationCall call) { return call == RotationCall::create ? "create" : "rotate"; }

std::optional<Error> refuse_rotation(KeyBundle const& key, std::string const& where) {
  if (key.managed) {
    return refusal("the key belongs to a certificate",
                   "let the certificate's own policy renew it; exclude the key from rekeyd's policies",
                   where);
  }
  if (key.type().algorithm == KeyAlgorithm::other) {
    return refusal(fmt::format("keys of type {} are unknown", body_excerpt(key.key_type)),
                   "exclude the key from rekeyd's policies", where);
  }
  return std::nullopt;
}

bool is_marked_imported(KeyBundle const& key) {
  auto const mark = key.tags.find(origin_tag);
  return key.attributes.external || (mark != key.tags.end() && mark->second == "imported");
}

std::map<std::string, std::string> inherited_tags(KeyBundle const& key) {
  auto tags = key.tags;
  std::erase_if(tags,
                [](auto const& tag) { return tag.first == operation_tag || tells_of_rotation(tag.first); });
  return tags;
}

std::string undescribable(KeyBundle const& key) {
  if (auto reason = undescribable_type(key); !reason.empty()) return reason;
  auto const kept = inherited_tags(key).size();
  if (kept >= tags_max) return fmt::format("its {} tags leave no room for the operation id", kept);
  return {};
}

Result<RotationCall> choose_rotation_call(AzureRotateBy by, KeyBundle const& key, std::string const& where) {
  if (by == AzureRotateBy::rotate) return RotationCall::rotate;
  auto const reason = undescribable(key);
  if (reason.empty()) return RotationCall::create;
  if (by == AzureRotateBy::automatic) return RotationCall::rotate;
  return std::unexpected(refusal(fmt::format("a new version cannot be made by create: {}", reason),
                                 "set rotate_by: automatic for this provider, or mend what is named", where));
}

std::optional<std::chrono::seconds> lifetime_of(KeyBundle const& key) {
  if (!key.attributes.expires || !key.attributes.created) return std::nullopt;
  auto const lifetime = *key.attributes.expires - *key.attributes.created;
  if (lifetime <= std::chrono::seconds(0)) return std::nullopt;
  return lifetime;
}

CreateKey next_version(KeyBundle const& key, RotationId const& operation, Instant now) {
  constexpr std::int64_t usual_exponent = 65537;
  CreateKey next;
  next.key_type = key.key_type;
  auto const type = key.type();
  if (type.algorithm == KeyAlgorithm::rsa) {
    next.key_size = type.bits;
    if (auto const e = read_exponent(key.exponent); e && *e != usual_exponent) next.public_exponent = e;
  }
  if (type.algorithm == KeyAlgorithm::aes) next.key_size = type.bits;
  next.curve = key.curve;
  next.operations = key.operations;
  if (auto const lifetime = lifetime_of(key)) next.expires = now + *lifetime;
  next.exportable = key.attributes.exportable;
  next.tags = inherited_tags(key);
  next.tags[operation_tag] = operation.str();
  next.release_policy = key.release_policy;
  return next;
}

}  // namespace rekeyd::providers::azure

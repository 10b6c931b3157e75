#include "tests/simulator/azure/key_algorithm.hpp"
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

struct CryptoVerb {
  char const* segment;
  char const* operation;  ///< As key_ops writes it.
  char const* name;       ///< For the counts.
  bool protects;          ///< Makes new ciphertext, which a version past its time may not.
  bool wrapping;
};

constexpr CryptoVerb crypto_verbs[]{
    {"wrapkey", "wrapKey", "keys.wrapkey", true, true},
    {"unwrapkey", "unwrapKey", "keys.unwrapkey", false, true},
    {"encrypt", "encrypt", "keys.encrypt", true, false},
    {"decrypt", "decrypt", "keys.decrypt", false, false},
};

Answer forbidden(CryptoVerb const& verb, char const* why, char const* inner) {
  return error_answer(403, "Forbidden", fmt::format("Operation {} is not {}.", verb.operation, why), inner);
}

/// Why the state of the version forbids the operation, or nothing.
std::optional<Answer> state_refusal(CryptoVerb const& verb, KeyVersion const& version,
                                    bool disabled_keys_wrap, Instant now) {
  if (std::ranges::count(version.key_ops, verb.operation) == 0) {
    return forbidden(verb, "permitted on this key", "KeyOperationForbidden");
  }
  if (!version.enabled && !(verb.protects && disabled_keys_wrap)) {
    return forbidden(verb, "allowed on a disabled key", "KeyDisabled");
  }
  if (!verb.protects) return std::nullopt;
  if (version.expires && *version.expires <= now) return forbidden(verb, "allowed on an expired key", "");
  if (version.not_before && *version.not_before > now)
    return forbidden(verb, "allowed on a key not yet valid", "");
  return std::nullopt;
}

/// A base64url member into `into`, absent leaving it empty; false when it is not base64url.
bool read_binary(json::object const& body, char const* name, std::string& into) {
  auto const* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return true;
  auto const text = string_member(body, name);
  auto bytes = text ? from_base64url(*text) : std::nullopt;
  if (!bytes) return false;
  into = std::move(*bytes);
  return true;
}

std::optional<KeyOperation> read_operation(json::object const& body) {
  KeyOperation operation;
  bool const sound = string_member(body, "value").has_value() &&
                     read_binary(body, "value", operation.value) && read_binary(body, "iv", operation.iv) &&
                     read_binary(body, "tag", operation.tag) && read_binary(body, "aad", operation.aad);
  if (!sound) return std::nullopt;
  return operation;
}

json::object result_json(std::string const& kid, KeyOperation const& done) {
  json::object body{{"kid", kid}, {"value", base64url(done.value)}};
  if (!done.iv.empty()) body["iv"] = base64url(done.iv);
  if (!done.tag.empty()) body["tag"] = base64url(done.tag);
  if (!done.aad.empty()) body["aad"] = base64url(done.aad);
  return body;
}

}  // namespace

Answer Vault::crypto(Call const& call) {
  auto const& segments = call.target.segments;
  CryptoVerb const& verb = *std::ranges::find_if(
      crypto_verbs, [&segments](CryptoVerb const& known) { return segments.back() == known.segment; });
  if (segments.size() > 4) return method_not_allowed(call.request.method);
  auto const body = json_object(call.request.body);
  auto const input = body ? read_operation(*body) : std::nullopt;
  if (!input) return bad_parameter("Property value has invalid value\r\n");
  auto const key = live_key(segments[1], call.now);
  if (!key) return key.error();
  auto const version = version_of(**key, segments.size() == 4 ? segments[2] : std::string(), call.now);
  if (!version) return version.error();
  Work const work = verb.protects ? Work::protect : Work::open;
  if (!allows(work, (*version)->shape, call.now)) return too_much(work);
  if (auto refused = state_refusal(verb, **version, settings_.disabled_keys_wrap, call.now)) return *refused;
  std::string const algorithm = string_member(*body, "alg").value_or("");
  auto const done = verb.protects ? protect(**version, algorithm, verb.wrapping, *input, random_)
                                  : open(**version, algorithm, verb.wrapping, *input);
  if (!done) return bad_parameter("The parameter is incorrect.\r\n");
  return ok(result_json(key_id(**key, **version, call.writing), *done), verb.name);
}

Answer Vault::random_bytes(Call const& call) {
  auto const body = json_object(call.request.body);
  auto const count = body ? integer_member(*body, "count") : std::nullopt;
  if (!count || *count < 1 || *count > 128) return bad_parameter("count must be from 1 to 128.");
  return ok({{"value", base64url(random_.bytes(static_cast<std::size_t>(*count)))}}, "rng");
}

}  // namespace rekeyd::sim::azure

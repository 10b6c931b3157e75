// The rotation policy that Key Protect carries out by itself: set through the policies endpoint, which takes
// the role Manager, and read back from the key's metadata, which takes Reader.
#include "policy/provider_rotation.hpp"
#include "providers/ibm/key_protect_provider.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;

namespace {

constexpr char policy_type[] = "application/vnd.ibm.kms.policy+json";

bool is_as_wanted(RootKey const& key, std::optional<Months> every) {
  return every ? rotates_as_asked(key, *every, policy_month) : !rotates_itself(key);
}

std::string in_words(RootKey const& key) {
  return rotates_itself(key) ? key.provider_rotation->interval : std::string("off");
}

Error no_delegation(KeyRecord const& record, std::string const& where) {
  if (!record.root_key) {
    return misuse(ErrorClass::permanent, "this is a standard key, not a root key",
                  "exclude it from the policies", where);
  }
  auto error = misuse(
      ErrorClass::permanent, "the key's material was imported: the service cannot make its next version",
      "set the policy to mode: enforce and name a source of material (material: NAME)", where);
  error.code = "imported_key";
  return error;
}

InstanceCall policy_call(std::string const& path, std::optional<Months> every) {
  InstanceCall call;
  call.method = "PUT";
  call.path = path + "/policies";
  call.query = "policy=rotation";
  call.content_type = policy_type;
  call.body = write_rotation_policy(every);
  return call;
}

Error not_taken(Error error) {
  if (error.http_status == 403) {
    error.remedy =
        "grant rekeyd's service ID the role Manager on the instance or on this key: with Writer it may "
        "rotate "
        "a key, not set its rotation policy";
  }
  return error;
}

}  // namespace

Body write_rotation_policy(std::optional<Months> every) {
  // Without an interval the service keeps the one that it has.
  std::string const rotation = every
                                   ? fmt::format(R"({{"enabled":true,"interval_month":{}}})", every->count())
                                   : R"({"enabled":false})";
  std::string const text = fmt::format(
      R"({{"metadata":{{"collectionType":"{0}","collectionTotal":1}},"resources":[{{"type":"{0}","rotation":{1}}}]}})",
      policy_type, rotation);
  return {text.data(), text.size()};
}

asio::awaitable<Result<Evidence>> KeyProtect::set_provider_rotation(KeyRef key, std::optional<Months> every,
                                                                    Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto before = co_await get_metadata(*place, deadline);
  if (!before) co_return std::unexpected(std::move(before.error()));
  bool const fit = before->record.root_key && before->record.key.origin == Origin::generated;
  if (every && !fit) co_return std::unexpected(no_delegation(before->record, before->where));
  if (is_as_wanted(before->record.key, every)) {
    before->evidence.notes["provider_rotation"] = in_words(before->record.key);
    co_return std::move(before->evidence);
  }
  auto call = policy_call(place->path(), every);
  auto reply = co_await access_.call(*place->instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(not_taken(std::move(reply.error())));
  auto after = co_await get_metadata(*place, deadline);
  if (!after) co_return std::unexpected(std::move(after.error()));
  if (!is_as_wanted(after->record.key, every)) {
    co_return std::unexpected(
        misuse(ErrorClass::transient,
               fmt::format("the key does not show the rotation policy that was set: it is {}",
                           in_words(after->record.key)),
               {}, after->where));
  }
  reply->evidence.notes["provider_rotation_before"] = in_words(before->record.key);
  reply->evidence.notes["provider_rotation"] = in_words(after->record.key);
  co_return std::move(reply->evidence);
}

}  // namespace rekeyd::providers::ibm

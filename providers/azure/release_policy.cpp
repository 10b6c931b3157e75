#include "providers/azure/release_policy.hpp"

#include "providers/encoding.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

void sort_members(json::value& value) {
  if (auto* const array = value.if_array()) std::ranges::for_each(*array, sort_members);
  auto* const object = value.if_object();
  if (object == nullptr) return;
  std::map<std::string, json::value> members;
  for (auto& member : *object) {
    sort_members(member.value());
    members.emplace(member.key(), std::move(member.value()));
  }
  json::object sorted;
  for (auto& [name, content] : members) sorted[name] = std::move(content);
  value = std::move(sorted);
}

std::string what_it_says(ReleasePolicy const& policy) {
  auto const text = from_base64url(policy.data);
  if (!text) return policy.data;
  json::error_code error;
  json::value document = json::parse(*text, error);
  if (error) return *text;
  sort_members(document);
  return json::serialize(document);
}

}  // namespace

std::string release_policy_digest(ReleasePolicy const& policy) {
  std::string const text = what_it_says(policy);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace rekeyd::providers::azure

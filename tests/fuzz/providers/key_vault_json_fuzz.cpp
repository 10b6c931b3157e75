// Any bytes as an answer of Key Vault: parsers return a value or an error, never throw, never read beyond.
#include "providers/azure/azure_error.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/azure/paging.hpp"
#include "providers/azure/rotation_call.hpp"
#include "providers/azure/rotation_policy.hpp"
#include "providers/azure/rsa_wrap.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace rekeyd;
using namespace rekeyd::providers;

void must(bool holds) {
  if (!holds) std::abort();
}

void use_bundle(azure::KeyBundle const& bundle) {
  must(azure::is_key_name(bundle.id.name) && azure::is_version_id(bundle.id.version));
  auto const obstacle = azure::undescribable(bundle);
  if (obstacle.empty()) {
    auto const next = azure::next_version(bundle, RotationId("op"), Instant{});
    must(!azure::write_create_key(next).empty() && next.tags.size() <= azure::tags_max);
  }
  (void)azure::RsaPublicKey::from_jwk(bundle.modulus, bundle.exponent, "fuzz");
}

void parse_all(std::string_view text) {
  std::string const where = "fuzz";
  if (auto const bundle = azure::parse_key_bundle(text, where)) use_bundle(*bundle);
  if (auto const page = azure::parse_key_items(text, where)) {
    for (auto const& item : page->items) must(azure::is_key_name(item.id.name));
  }
  if (auto const result = azure::parse_operation_result(text, where)) must(!result->value.empty());
  (void)azure::parse_rotation_policy(text, where);
}

void follow_all(std::string_view text) {
  Endpoint vault;
  vault.host = "pay.vault.azure.net";
  auto const next = azure::next_page_target(text, vault, "7.5", "fuzz");
  if (next) must(next->starts_with("/keys") && next->find("..") > next->find('?'));
  auto const of_arm = azure::next_page_target(text, vault, "2023-10-02", "fuzz", "/subscriptions");
  if (of_arm) must(of_arm->starts_with("/subscriptions") && of_arm->find("..") > of_arm->find('?'));
  HttpResponse response;
  response.status = 403;
  response.body.assign(text);
  auto const error = azure::azure_error(response, azure_traits(AzureKind::key_vault), "fuzz", Instant{});
  must(!error.what.empty() && error.what.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  parse_all(text);
  follow_all(text);
  return 0;
}

// Any bytes as an answer of Key Protect, or as a wrapped DEK from a file.
#include "providers/ibm/crn.hpp"
#include "providers/ibm/ibm_error.hpp"
#include "providers/ibm/key_protect_json.hpp"

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

template <class T>
void check_page(Result<ibm::Page<T>> const& page) {
  if (page) must(page->items.size() + page->defects.size() == page->entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  KeyRef const key{ProviderName("p"), VaultName("v"), KeyId("k-1")};
  check_page(ibm::parse_keys(text, "fuzz"));
  check_page(ibm::parse_versions(text, "fuzz"));
  check_page(ibm::parse_registrations(text, key, "fuzz"));
  if (auto const one = ibm::parse_key(text, "fuzz")) must(!one->key.ref.id.empty());
  if (auto const dek = ibm::parse_dek_answer(text, "fuzz"); dek && dek->plaintext)
    must(!dek->plaintext->empty());
  (void)ibm::wdek_handle(text);
  (void)ibm::crn_resource_kind(text);
  HttpResponse response;
  response.status = 409;
  response.body.assign(text);
  auto const error = ibm::ibm_error(response, ibm_flavour(IbmKind::hpcs), "fuzz", Instant{});
  must(!error.what.empty() && error.what.find('\n') == std::string::npos);
  return 0;
}

#include "config/settings.hpp"

#include "policy/words.hpp"

namespace rekeyd::config {

namespace {

using enum ProviderKind;
constexpr auto kinds = words<ProviderKind>({{azure_key_vault, "azure-key-vault"},
                                            {azure_managed_hsm, "azure-managed-hsm"},
                                            {ibm_key_protect, "ibm-key-protect"},
                                            {ibm_key_protect_dedicated, "ibm-key-protect-dedicated"},
                                            {ibm_hpcs, "ibm-hpcs"}});

}  // namespace

char const* to_text(ProviderKind kind) { return kinds.word(kind); }

}  // namespace rekeyd::config

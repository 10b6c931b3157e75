#pragma once
#include "tests/simulator/ibm/token_authority.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::ibm {

/// A trusted profile: who may enter it, and what it may then do.
struct TrustedProfile {
  std::string id;  ///< "Profile-..."
  std::string name;
  Identity identity;
  std::set<std::string> compute_tokens;  ///< Tokens of compute resources that its conditions let in.
  bool instance{};                       ///< The world's one VPC instance may enter it...
  bool linked{};                         ///< ...and does when it names none.

  std::string crn() const {
    return "crn:v1:bluemix:public:iam-identity::a/" + identity.account + "::profile:" + id;
  }
};

/// By id, name or CRN; null for none.
inline TrustedProfile const* find_profile(std::vector<TrustedProfile> const& profiles,
                                          std::string_view text) {
  for (TrustedProfile const& each : profiles) {
    if (each.id == text || each.name == text || each.crn() == text) return &each;
  }
  return nullptr;
}

}  // namespace rekeyd::sim::ibm

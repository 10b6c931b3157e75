#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::ibm {

/// One REST API, three products. What differs between them is data, kept here.
struct Flavour {
  std::string_view name;         ///< In a world file: "key-protect", "key-protect-dedicated", "hpcs".
  std::string_view crn_service;  ///< Segment 5 of a key's CRN: "kms" or "hs-crypto".
  bool rotates_deactivated{};    ///< Is rotate legal in state 3?
  bool named_by_region{};        ///< Shared regional host (standard), or a host per instance?
  /// "RSAES_OAEP_SHA_256" (nonce by AES-GCM), "RSAES_OAEP_SHA_1" (by AES-CBC); empty: no import tokens.
  std::string_view import_algorithm{};
};

/// Nothing for an unknown name.
Flavour const* flavour_named(std::string_view name);
Flavour const& standard_flavour();
Flavour const& dedicated_flavour();
Flavour const& hpcs_flavour();

/// One host name under which an instance answers.
struct HostName {
  std::string name;
  bool private_network{};  ///< Only reachable from IBM Cloud's private network.
  bool by_port{};          ///< HPCS's old form: the instances of a region share it and differ by port.
};

/// Every name of an instance, the real ones first, the loopback one last.
std::vector<HostName> host_names(Flavour const& flavour, std::string_view region,
                                 std::string_view instance_id);

/// Is `host` the shared name of some region, whether or not an instance of this world is there? Real DNS
/// answers for every region, so a wrong region is a 401 and not an unknown host.
bool is_regional_host(std::string_view host);

}  // namespace rekeyd::sim::ibm

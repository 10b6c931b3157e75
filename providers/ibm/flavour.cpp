#include "providers/ibm/flavour.hpp"

#include "providers/ibm/key_protect_json.hpp"

namespace rekeyd::providers {

namespace {

using namespace std::chrono_literals;

// What all three share.
IbmFlavour key_protect_api() {
  IbmFlavour flavour;
  flavour.capabilities.rewrap_hides_plaintext = true;
  flavour.capabilities.tells_registrations = true;
  flavour.capabilities.tells_origin = true;
  flavour.capabilities.rotates_by_itself = true;
  flavour.capabilities.month_days = static_cast<int>(ibm::policy_month.count());
  flavour.capabilities.rotation_floor = 1h;  // A second rotation within it is refused (docs: key rotation).
  // A rotation is documented as effective at once; a minute covers a front end behind the rest.
  flavour.capabilities.visibility_lag = 1min;
  return flavour;
}

IbmFlavour key_protect() {
  IbmFlavour flavour = key_protect_api();
  flavour.service = "Key Protect";
  flavour.import_cipher = ibm::ImportCipher::oaep_sha256;
  flavour.capabilities.kind = "ibm-key-protect";
  flavour.capabilities.versions_are_billed = true;     // Not so on Dedicated and HPCS (docs: pricing).
  flavour.capabilities.deactivated_may_rotate = true;  // Docs: key states. It does not reactivate the key.
  return flavour;
}

IbmFlavour dedicated() {
  IbmFlavour flavour = key_protect();
  flavour.service = "Key Protect Dedicated";
  flavour.import_cipher = ibm::ImportCipher::none;
  flavour.capabilities.kind = "ibm-key-protect-dedicated";
  flavour.not_ready_remedy = "initialise the instance's crypto units: until then it answers nothing but this";
  return flavour;
}

IbmFlavour hpcs() {
  IbmFlavour flavour = key_protect_api();
  flavour.service = "Hyper Protect Crypto Services";
  flavour.import_cipher = ibm::ImportCipher::oaep_sha1;
  flavour.capabilities.kind = "ibm-hpcs";
  flavour.not_ready_remedy =
      "check that the instance's crypto units are initialised and that no master key rotation is under way";
  return flavour;
}

}  // namespace

IbmFlavour const& ibm_flavour(IbmKind kind) {
  static IbmFlavour const standard = key_protect();
  static IbmFlavour const single_tenant = dedicated();
  static IbmFlavour const hyper_protect = hpcs();
  switch (kind) {
    case IbmKind::key_protect:
      return standard;
    case IbmKind::key_protect_dedicated:
      return single_tenant;
    case IbmKind::hpcs:
      return hyper_protect;
  }
  return standard;
}

ApiLimits ibm_default_limits(IbmKind) {
  ApiLimits limits;
  limits.requests_per_second = 50;
  limits.burst = 50;
  limits.in_flight_max = 16;
  return limits;
}

}  // namespace rekeyd::providers

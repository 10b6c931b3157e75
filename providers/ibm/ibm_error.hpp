#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"
#include "providers/ibm/flavour.hpp"

#include <string>

namespace rekeyd::providers::ibm {

/// What an answer of 300 and more means. `code` is the first reason's code, without the blanks that some
/// carry; bodies may have no reasons, be plain text or HTML, and the status decides then. Wording is never
/// matched.
///
/// Delivery: 408 and 5xx (but 501) say nothing of whether the call took effect: maybe_applied. All else is a
/// refusal. KEY_ROTATION_NOT_PERMITTED is class conflict with that code: after a rotate whose answer was lost
/// it proves that the key was rotated within the hour.
Error ibm_error(HttpResponse const& response, IbmFlavour const& flavour, std::string where, Instant now);

}  // namespace rekeyd::providers::ibm

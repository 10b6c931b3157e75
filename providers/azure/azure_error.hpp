#pragma once
#include "policy/error.hpp"
#include "providers/azure/azure_kind.hpp"
#include "providers/http/transport.hpp"

#include <string>

namespace rekeyd::providers::azure {

/// What an answer other than the expected 200 means. `code` is the innermost innererror's code if there is
/// one (ForbiddenByRbac), else error.code (KeyNotFound), else empty. Bodies may be absent, HTML, or JSON
/// without the members one expects; the status decides then.
///
/// Delivery: 408 and 5xx (but 501) tell nothing of whether a write took effect: maybe_applied. All else is a
/// refusal.
Error azure_error(HttpResponse const& response, AzureTraits const& traits, std::string where, Instant now);

/// What we do not ask the service for, since it could not be done: nothing was sent.
Error refusal(std::string what, std::string remedy, std::string where,
              ErrorClass error_class = ErrorClass::permanent);

}  // namespace rekeyd::providers::azure

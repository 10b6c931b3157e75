#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <string>

namespace rekeyd::providers {

/// What a refused token request means. Carries the AADSTS code, Entra's trace id as request_id, and a remedy
/// in words. By class: access for what a person must mend (credential, application, tenant, consent, clock),
/// transient for throttling and Entra's own trouble, malformed for an answer that is no token endpoint's.
///
/// Told by status, `error` and `error_codes`, never by the description
/// (https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes). What Entra says of a
/// credential that was added minutes ago is the same as of a wrong one: access, which is retried slowly, does
/// for both.
Error entra_error(HttpResponse const& response, std::string where);

}  // namespace rekeyd::providers

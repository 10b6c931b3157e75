#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <string>

namespace rekeyd::providers {

/// What a refusal of a local token service means: `error` and `error_description`, or `message`.
Error managed_identity_error(HttpResponse const& response, std::string where);

/// Nobody answers at the metadata service's address.
Error no_instance_service(Error cause);

}  // namespace rekeyd::providers

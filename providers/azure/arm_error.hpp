#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"
#include "providers/json_answer.hpp"

#include <string>

namespace rekeyd::providers::azure {

/// What an answer of Azure Resource Manager other than a success means. Bodies are {"error":{..}} or, at
/// Compute, {"code":..,"message":..} without it (Compute's throttling page); a code of `details` that says
/// more is put beside. `request_id` holds x-ms-request-id and x-ms-correlation-request-id.
Error arm_error(HttpResponse const& response, std::string where, Instant now);

/// The same for the `error` member of an asynchronous operation that failed (an HTTP 200).
Error arm_operation_error(JsonObject const& error, HttpResponse const& response, std::string where);

/// "ID (correlation ID2)", as far as the answer has them.
std::string arm_request_ids(HttpResponse const& response);

}  // namespace rekeyd::providers::azure

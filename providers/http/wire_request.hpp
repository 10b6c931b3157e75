#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <string>

namespace rekeyd::providers {

/// The request as HTTP/1.1 sends it, head and body in one piece of wiped memory: one buffer is one TLS record
/// and one write, where a library's serializer would leave copies of tokens in ordinary memory. Host,
/// Content-Length and User-Agent are added.
///
/// A permanent error, and nothing is sent, if method, target or a header hold characters that would let one
/// request become two.
Result<Body> to_wire(HttpRequest const& request);

/// "GET host/path" without the query: what errors name. Queries carry cursors and filters.
std::string where_of(HttpRequest const& request);

/// GET, HEAD, OPTIONS, TRACE: repeating one changes nothing (RFC 9110, 9.2.1).
bool is_safe(std::string_view method);

}  // namespace rekeyd::providers

#pragma once
#include "policy/error.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>

namespace rekeyd::providers {

/// Parses one JSON document whose values, and all scratch memory of parsing, are wiped when they go: for
/// answers that carry a DEK or a token. Malformed error naming `where` for anything that is not JSON; its
/// text says what came instead (a web page, nothing at all) and never quotes the text itself.
Result<boost::json::value> parse_wiping(std::string_view text, std::string_view where);

}  // namespace rekeyd::providers

#pragma once
#include "providers/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Encodings of the wire. The overloads for Secret and Body leave no copy in ordinary memory.
namespace rekeyd::providers {

/// RFC 4648 section 4, with padding.
std::string to_base64(std::string_view bytes);
/// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);

/// Nothing for a character outside the alphabet, a length that cannot be, or padding in the wrong place.
/// Padding may be there or not.
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_base64url(std::string_view text);

void append_base64(Body& out, Secret const& secret);
void append_base64url(Body& out, Secret const& secret);
std::optional<Secret> secret_from_base64(std::string_view text);
std::optional<Secret> secret_from_base64url(std::string_view text);

/// Percent-encodes all but RFC 3986's unreserved characters: right for a path segment, a query's name or
/// value, and a form field.
std::string percent_encode(std::string_view text);
void append_percent_encoded(Body& out, std::string_view text);

}  // namespace rekeyd::providers

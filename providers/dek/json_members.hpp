#pragma once
#include "providers/dek/envelope.hpp"

#include <string_view>
#include <vector>

namespace rekeyd::providers {

/// One member of a JSON object, as spans of the object's text.
struct JsonMember {
  TextSpan lead;  ///< White space before the name.
  TextSpan name;  ///< Quotes included, escapes as written.
  TextSpan value;
};

/// The members of the object that `text` is, in the order of the text. `text` must be known to be one valid
/// JSON object: positions are all that is found here, and a JSON library does the judging.
std::vector<JsonMember> locate_members(std::string_view text);

}  // namespace rekeyd::providers

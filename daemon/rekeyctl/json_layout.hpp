#pragma once
#include <string>

namespace rekeyd::rekeyctl {

/// JSON with one member a line and two spaces a level, and a line break at the end. Boost.JSON only writes it
/// in one line. `text` is valid JSON.
std::string laid_out_json(std::string const& text);

}  // namespace rekeyd::rekeyctl

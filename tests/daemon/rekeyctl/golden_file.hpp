#pragma once
#include <string>

namespace rekeyd::test {

/// What tests/daemon/rekeyctl/golden/NAME holds. With REKEYD_WRITE_GOLDEN set in the environment the file is
/// written with `text` first: look at what git says has changed before you commit it.
std::string golden(std::string const& name, std::string const& text);

}  // namespace rekeyd::test

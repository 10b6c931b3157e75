#pragma once
#include "config/diagnostic.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

std::size_t count(std::vector<config::Diagnostic> const& diagnostics, config::Severity severity);
/// A file or folder could not be read at all: no finding in what was read.
bool any_unreadable(std::vector<config::Diagnostic> const& diagnostics);

/// A line each, as a compiler tells it.
std::string diagnostics_table(std::vector<config::Diagnostic> const& diagnostics, bool colour);
/// rekeyd.check/1
std::string diagnostics_json(std::vector<config::Diagnostic> const& diagnostics);
/// "2 errors, 1 warning"
std::string diagnostics_counted(std::vector<config::Diagnostic> const& diagnostics);

}  // namespace rekeyd::rekeyctl

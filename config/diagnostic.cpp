#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::config {

std::string to_text(Diagnostic const& diagnostic) {
  std::string text = diagnostic.place.line > 0 ? diagnostic.place.text() : diagnostic.place.file;
  text += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
  text += diagnostic.message;
  if (!diagnostic.rule.empty()) text += fmt::format(" [{}]", diagnostic.rule);
  if (!diagnostic.hint.empty()) text += "; " + diagnostic.hint;
  for (SourcePlace const& place : diagnostic.related) text += fmt::format("; see also {}", place.text());
  return text;
}

bool has_errors(std::vector<Diagnostic> const& diagnostics) {
  return std::ranges::any_of(diagnostics, [](Diagnostic const& d) { return d.severity == Severity::error; });
}

}  // namespace rekeyd::config

#include "config/findings.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace rekeyd::config {

Diagnostic& Findings::error(Position at, std::string rule, std::string message, std::string hint) {
  return add(Severity::error, at, std::move(rule), std::move(message), std::move(hint));
}

Diagnostic& Findings::warning(Position at, std::string rule, std::string message, std::string hint) {
  return add(Severity::warning, at, std::move(rule), std::move(message), std::move(hint));
}

Diagnostic& Findings::add(Severity severity, Position at, std::string rule, std::string message,
                          std::string hint) {
  if (found_.size() >= findings_max) {
    found_.push_back({Severity::error,
                      place(at),
                      "too-many-mistakes",
                      "reading ends here: " + std::to_string(findings_max) + " mistakes were found before",
                      "",
                      {}});
    throw TooManyFindings();
  }
  return found_.emplace_back(
      Diagnostic{severity, place(at), std::move(rule), std::move(message), std::move(hint), {}});
}

std::vector<Diagnostic> Findings::take() {
  std::ranges::stable_sort(found_, {},
                           [](Diagnostic const& d) { return std::tuple(d.place.line, d.place.column); });
  return std::exchange(found_, {});
}

}  // namespace rekeyd::config

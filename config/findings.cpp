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
  auto const in_order = [](Diagnostic const& d) { return std::tuple(d.place.line, d.place.column); };
  auto const next = std::ranges::upper_bound(found_, std::tuple(at.line, at.column), {}, in_order);
  return *found_.insert(next,
                        {severity, place(at), std::move(rule), std::move(message), std::move(hint), {}});
}

}  // namespace rekeyd::config

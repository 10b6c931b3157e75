#pragma once
#include "policy/rotation_policy.hpp"

#include <string>
#include <vector>

namespace rekeyd::config {

enum class Severity { error, warning };

/// One mistake in a file, told like a compiler tells it, with a remedy.
struct Diagnostic {
  Severity severity{Severity::error};
  SourcePlace place;    ///< line 0 when the file as a whole is meant.
  std::string rule;     ///< Stable id for machines: "unknown-field", "out-of-range", ...
  std::string message;  ///< What was found and what was expected.
  std::string hint;     ///< "did you mean 'every'?", or empty.
  std::vector<SourcePlace>
      related;  ///< Other places that belong to it: the second of two conflicting policies.
  bool operator==(Diagnostic const&) const = default;
};

/// "policies.d/pay.yaml:4:7: error: unknown field 'evry' [unknown-field]; did you mean 'every'?"
std::string to_text(Diagnostic const& diagnostic);

bool has_errors(std::vector<Diagnostic> const& diagnostics);

}  // namespace rekeyd::config

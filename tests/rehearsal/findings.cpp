#include "tests/rehearsal/findings.hpp"

namespace rekeyd::rehearsal {

char const* to_text(TroubleKind kind) {
  switch (kind) {
    case TroubleKind::blocked:
      return "blocked";
    case TroubleKind::overdue:
      return "overdue";
    case TroubleKind::unknown:
      return "unknown";
    case TroubleKind::was_blocked:
      return "was_blocked";
    case TroubleKind::late:
      return "late";
    case TroubleKind::dek_refused:
      return "dek_refused";
    case TroubleKind::versions:
      return "versions";
    case TroubleKind::throttled:
      return "throttled";
    case TroubleKind::drift:
      return "drift";
    case TroubleKind::not_covered:
      return "not_covered";
    case TroubleKind::policy_unused:
      return "policy_unused";
  }
  return "?";
}

bool is_bad(TroubleKind kind) { return kind == TroubleKind::blocked || kind == TroubleKind::overdue; }

}  // namespace rekeyd::rehearsal

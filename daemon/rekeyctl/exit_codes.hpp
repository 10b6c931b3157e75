#pragma once

namespace rekeyd::rekeyctl {

/// What rekeyctl ends with. Documented in docs/operating.md; scripts depend on it. `rehearse` ends as `check`
/// does before it begins, and as `status` would at its end.
enum class Exit {
  well = 0,
  error = 1,     ///< It could not be done; stderr says why and what to do.
  due = 2,       ///< `plan`: something is due or will be within the span.
  findings = 3,  ///< `check`, `reload`: mistakes in files.
  attention =
      4,  ///< `status`: overdue or blocked keys, a failing rotation, or a hold. `rotate --wait`: blocked.
  integrity = 5,  ///< `verify`, `backup`, `restore`: a history is not what it was.
  usage = 64,     ///< Wrong use (EX_USAGE of sysexits.h).
};

}  // namespace rekeyd::rekeyctl

#include "config/rotation_limits_reader.hpp"

namespace rekeyd::config {

RotationLimits rotation_limits_of(Given const& given, Findings& findings) {
  RotationLimits limits;
  if (!map_of(given, findings)) return limits;
  FieldReader fields(given, findings);
  assign(limits.in_flight, whole_number_of(fields.optional("in_flight"), 1, 256, findings));
  assign(limits.per_hour, whole_number_of(fields.optional("per_hour"), 1, 100'000, findings));
  assign(limits.stop_after_failures,
         whole_number_of(fields.optional("stop_after_failures"), 1, 100, findings));
  for (char const* const global :
       {"overdue_after", "storm_warning_percent", "storm_hold_percent", "storm_hold_keys"}) {
    fields.refuse(global, "it counts over all keys and belongs into 'rotations' of rekeyd.yaml");
  }
  fields.finish();
  return limits;
}

}  // namespace rekeyd::config

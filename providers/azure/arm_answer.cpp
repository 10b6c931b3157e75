#include "providers/azure/arm_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

ArmId read_arm_id(JsonObject const& entry, std::string_view type, std::string_view what) {
  auto const text = entry.text("id");
  auto const id = ArmId::parse(text);
  bool const sound = id && (type.empty() || id->is(type));
  if (!sound && !text.empty()) entry.note("id", fmt::format("should be the id of {}", what));
  return id.value_or(ArmId{});
}

}  // namespace rekeyd::providers::azure

#include "tests/simulator/ibm/oddities.hpp"

namespace rekeyd::sim::ibm {

std::string to_text(Oddities::Dates dates, Instant instant) {
  auto text = to_rfc3339(instant);
  auto const seconds = instant.time_since_epoch().count();
  if (dates == Oddities::Dates::mixed) dates = static_cast<Oddities::Dates>(seconds % 3);
  if (dates == Oddities::Dates::zulu) return text;
  text.pop_back();
  return text + (dates == Oddities::Dates::offset ? "+0000" : ".123456+00:00");
}

}  // namespace rekeyd::sim::ibm

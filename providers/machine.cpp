#include "providers/machine.hpp"

#include "policy/words.hpp"

namespace rekeyd::providers {

namespace {

constexpr auto powers = words<Power>({{Power::unknown, "unknown"},
                                      {Power::running, "running"},
                                      {Power::changing, "changing"},
                                      {Power::stopped, "stopped"},
                                      {Power::released, "released"}});

}  // namespace

char const* to_text(Power power) { return powers.word(power); }
std::optional<Power> parse_power(std::string_view text) { return powers.value(text); }

}  // namespace rekeyd::providers

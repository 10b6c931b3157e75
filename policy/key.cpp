#include "policy/key.hpp"

#include "policy/words.hpp"

#include <algorithm>
#include <tuple>

namespace rekeyd {

namespace {

constexpr auto key_states = words<KeyState>({{KeyState::pre_activation, "pre_activation"},
                                             {KeyState::active, "active"},
                                             {KeyState::suspended, "suspended"},
                                             {KeyState::deactivated, "deactivated"},
                                             {KeyState::destroyed, "destroyed"}});
constexpr auto algorithms = words<KeyAlgorithm>({{KeyAlgorithm::rsa, "rsa"},
                                                 {KeyAlgorithm::ec, "ec"},
                                                 {KeyAlgorithm::aes, "aes"},
                                                 {KeyAlgorithm::other, "other"}});
constexpr auto protections =
    words<Protection>({{Protection::software, "software"}, {Protection::hsm, "hsm"}});
constexpr auto origins = words<Origin>({{Origin::generated, "generated"}, {Origin::imported, "imported"}});
constexpr auto makers = words<MadeBy>({{MadeBy::rekeyd, "rekeyd"},
                                       {MadeBy::provider, "provider"},
                                       {MadeBy::other, "other"},
                                       {MadeBy::unknown, "unknown"}});

}  // namespace

char const* to_text(KeyState state) { return key_states.word(state); }
char const* to_text(KeyAlgorithm algorithm) { return algorithms.word(algorithm); }
char const* to_text(Protection protection) { return protections.word(protection); }
char const* to_text(Origin origin) { return origins.word(origin); }
char const* to_text(MadeBy made_by) { return makers.word(made_by); }

std::optional<KeyState> parse_key_state(std::string_view text) { return key_states.value(text); }
std::optional<KeyAlgorithm> parse_key_algorithm(std::string_view text) { return algorithms.value(text); }
std::optional<Protection> parse_protection(std::string_view text) { return protections.value(text); }
std::optional<Origin> parse_origin(std::string_view text) { return origins.value(text); }
std::optional<MadeBy> parse_made_by(std::string_view text) { return makers.value(text); }

void sort_by_creation(std::vector<KeyVersion>& versions) {
  std::ranges::sort(versions, {}, [](KeyVersion const& v) { return std::tie(v.created, v.id); });
}

}  // namespace rekeyd

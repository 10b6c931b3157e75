#include "policy/rotation_policy.hpp"

#include "policy/words.hpp"

namespace rekeyd {

namespace {
constexpr auto modes =
    words<Mode>({{Mode::enforce, "enforce"}, {Mode::observe, "observe"}, {Mode::delegate, "delegate"}});
constexpr auto wrappers = words<WrapBy>({{WrapBy::local, "local"}, {WrapBy::service, "service"}});
}  // namespace

char const* to_text(Mode mode) { return modes.word(mode); }
char const* to_text(WrapBy wrap) { return wrappers.word(wrap); }
std::optional<Mode> parse_mode(std::string_view text) { return modes.value(text); }
std::optional<WrapBy> parse_wrap_by(std::string_view text) { return wrappers.value(text); }

}  // namespace rekeyd

#include "policy/registration.hpp"

#include "policy/words.hpp"

namespace rekeyd {

namespace {

constexpr auto followings = words<Following>({{Following::unknown, "unknown"},
                                              {Following::by_itself, "by_itself"},
                                              {Following::when_told, "when_told"},
                                              {Following::when_told_at_rest, "when_told_at_rest"},
                                              {Following::never, "never"},
                                              {Following::past, "past"}});

}  // namespace

char const* to_text(Following following) { return followings.word(following); }
std::optional<Following> parse_following(std::string_view text) { return followings.value(text); }

}  // namespace rekeyd

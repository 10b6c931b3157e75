#include "policy/key_status.hpp"

#include "policy/words.hpp"

namespace rekeyd {

namespace {
constexpr auto statuses = words<KeyStatus>({{KeyStatus::ready, "ready"},
                                            {KeyStatus::due, "due"},
                                            {KeyStatus::overdue, "overdue"},
                                            {KeyStatus::rotating, "rotating"},
                                            {KeyStatus::waiting, "waiting"},
                                            {KeyStatus::blocked, "blocked"},
                                            {KeyStatus::observed, "observed"},
                                            {KeyStatus::unknown, "unknown"}});
constexpr auto waits = words<WaitsFor>({{WaitsFor::nothing, "nothing"},
                                        {WaitsFor::window, "window"},
                                        {WaitsFor::approval, "approval"},
                                        {WaitsFor::quota, "quota"},
                                        {WaitsFor::provider_hour, "provider_hour"},
                                        {WaitsFor::stopped_vm, "stopped_vm"},
                                        {WaitsFor::hold, "hold"},
                                        {WaitsFor::provider_answer, "provider_answer"}});
}  // namespace

char const* to_text(KeyStatus status) { return statuses.word(status); }
char const* to_text(WaitsFor waits_for) { return waits.word(waits_for); }
std::optional<KeyStatus> parse_key_status(std::string_view text) { return statuses.value(text); }
std::optional<WaitsFor> parse_waits_for(std::string_view text) { return waits.value(text); }

}  // namespace rekeyd

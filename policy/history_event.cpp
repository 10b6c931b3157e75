#include "policy/history_event.hpp"

#include "policy/words.hpp"

namespace rekeyd {

namespace {
using enum EventKind;
constexpr auto kinds = words<EventKind>({{daemon_started, "daemon_started"},
                                         {daemon_stopped, "daemon_stopped"},
                                         {policies_loaded, "policies_loaded"},
                                         {policies_refused, "policies_refused"},
                                         {key_found, "key_found"},
                                         {key_changed, "key_changed"},
                                         {key_gone, "key_gone"},
                                         {version_found, "version_found"},
                                         {drift, "drift"},
                                         {registration_found, "registration_found"},
                                         {registration_moved, "registration_moved"},
                                         {registration_changed, "registration_changed"},
                                         {registration_gone, "registration_gone"},
                                         {registrations_synced, "registrations_synced"},
                                         {registrations_behind, "registrations_behind"},
                                         {machine_drained, "machine_drained"},
                                         {machine_stopped, "machine_stopped"},
                                         {machine_started, "machine_started"},
                                         {machine_not_started, "machine_not_started"},
                                         {rotation_opened, "rotation_opened"},
                                         {step_intended, "step_intended"},
                                         {step_done, "step_done"},
                                         {step_failed, "step_failed"},
                                         {step_waiting, "step_waiting"},
                                         {rotation_done, "rotation_done"},
                                         {rotation_blocked, "rotation_blocked"},
                                         {rotation_abandoned, "rotation_abandoned"},
                                         {deks_rewrapped, "deks_rewrapped"},
                                         {dek_refused, "dek_refused"},
                                         {rotation_policy_set, "rotation_policy_set"},
                                         {provider_rotation_set, "provider_rotation_set"},
                                         {version_expiry_set, "version_expiry_set"},
                                         {version_retired, "version_retired"},
                                         {key_replaced, "key_replaced"},
                                         {key_tagged, "key_tagged"},
                                         {material_drawn, "material_drawn"},
                                         {hold_placed, "hold_placed"},
                                         {hold_changed, "hold_changed"},
                                         {hold_released, "hold_released"},
                                         {requested, "requested"},
                                         {database_restored, "database_restored"}});
constexpr auto outcomes = words<EventOutcome>(
    {{EventOutcome::ok, "ok"}, {EventOutcome::failed, "failed"}, {EventOutcome::held, "held"}});
}  // namespace

char const* to_text(EventKind kind) { return kinds.word(kind); }
char const* to_text(EventOutcome outcome) { return outcomes.word(outcome); }
std::optional<EventKind> parse_event_kind(std::string_view text) { return kinds.value(text); }
std::optional<EventOutcome> parse_event_outcome(std::string_view text) { return outcomes.value(text); }

}  // namespace rekeyd

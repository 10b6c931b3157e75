#include "tests/rehearsal/rehearsal_json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <string_view>

namespace rekeyd::rehearsal {

namespace json = boost::json;

namespace {

json::value moment(std::optional<Instant> const& at) {
  return at ? json::value(to_rfc3339(*at)) : json::value(nullptr);
}

json::value text_or_null(std::string const& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object write(RehearsedRotation const& of) {
  Rotation const& rotation = of.rotation;
  json::object object{{"id", rotation.id.str()},
                      {"key", rotation.key.text()},
                      {"name", of.name},
                      {"policy", text_or_null(rotation.policy.str())},
                      {"trigger", to_text(rotation.trigger)},
                      {"due", moment(rotation.due)},
                      {"began", to_rfc3339(rotation.opened)},
                      {"ended", moment(rotation.ended)},
                      {"seconds", nullptr},
                      {"wdeks", of.deks},
                      {"state", to_text(rotation.state)},
                      {"step", to_text(rotation.step)},
                      {"times_blocked", of.times_blocked},
                      {"message", rotation.message}};
  if (rotation.ended) object["seconds"] = (*rotation.ended - rotation.opened).count();
  return object;
}

json::object write(RehearsedWait const& wait) {
  return {{"waits_for", to_text(wait.waits_for)},
          {"reason", wait.reason},
          {"sentence", wait.sentence},
          {"keys", wait.keys},
          {"first", to_rfc3339(wait.first)},
          {"last", to_rfc3339(wait.last)},
          {"longest_seconds", wait.longest.count()}};
}

json::object write(RehearsedHold const& of) {
  return {{"name", of.hold.name()},
          {"scope", of.hold.scope.text()},
          {"sentence", of.hold.sentence},
          {"placed", to_rfc3339(of.hold.placed)},
          {"from_before", of.from_before},
          {"released", moment(of.hold.released)},
          {"released_by", text_or_null(of.hold.released_by)}};
}

json::object write(RehearsedProvider const& provider) {
  return {{"name", provider.name},    {"kind", provider.kind},       {"keys", provider.keys},
          {"calls", provider.calls},  {"retries", provider.retries}, {"throttled", provider.throttled},
          {"failed", provider.failed}};
}

json::object write(Trouble const& trouble) {
  return {{"kind", to_text(trouble.kind)}, {"ends_badly", is_bad(trouble.kind)},
          {"subject", trouble.subject},    {"name", text_or_null(trouble.name)},
          {"at", moment(trouble.at)},      {"reason", text_or_null(trouble.reason)},
          {"sentence", trouble.sentence},  {"remedy", text_or_null(trouble.remedy)}};
}

template <class T>
json::array write_all(std::vector<T> const& all) {
  json::array array;
  for (T const& one : all) array.push_back(write(one));
  return array;
}

/// "2027-03" → how many rotations began in it, for every month of the span; the same by day without zeros.
constexpr std::size_t month_length = std::string_view("2027-03").size();
constexpr std::size_t day_length = std::string_view("2027-03-01").size();

std::map<std::string, std::size_t> begun_by(std::size_t length, Programme const& programme,
                                            Findings const& findings) {
  std::map<std::string, std::size_t> counts;
  for (RehearsedRotation const& of : findings.rotations) {
    if (of.rotation.opened >= programme.from) ++counts[to_rfc3339(of.rotation.opened).substr(0, length)];
  }
  return counts;
}

json::array write_months(Programme const& programme, Findings const& findings) {
  auto counts = begun_by(month_length, programme, findings);
  for (Instant at = programme.from; at < programme.until; at += std::chrono::days(1))
    counts.try_emplace(to_rfc3339(at).substr(0, month_length), 0);
  json::array months;
  for (auto const& [month, rotations] : counts)
    months.push_back({{"month", month}, {"rotations", rotations}});
  return months;
}

json::object summary(Programme const& programme, Findings const& findings) {
  auto const count = [&](TroubleKind kind) {
    return static_cast<std::size_t>(std::ranges::count(findings.troubles, kind, &Trouble::kind));
  };
  std::size_t wdeks = 0, begun = 0, done = 0;
  for (RehearsedRotation const& of : findings.rotations) {
    wdeks += of.deks;
    if (of.rotation.opened >= programme.from) ++begun;
    if (of.rotation.state == RotationState::done) ++done;
  }
  json::object object{{"rotations", begun},
                      {"done", done},
                      {"wdeks_moved", wdeks},
                      {"busiest_day", nullptr},
                      {"blocked", count(TroubleKind::blocked)},
                      {"overdue", count(TroubleKind::overdue)},
                      {"not_covered", count(TroubleKind::not_covered)},
                      {"crashes", findings.crashes},
                      {"faults", findings.faults}};
  auto const days = begun_by(day_length, programme, findings);
  auto const busiest = std::ranges::max_element(days, {}, [](auto const& day) { return day.second; });
  if (busiest != days.end())
    object["busiest_day"] = {{"day", busiest->first}, {"rotations", busiest->second}};
  return object;
}

}  // namespace

json::object to_json(Programme const& programme, Findings const& findings) {
  json::array notes;
  for (std::string const& note : programme.notes) notes.emplace_back(note);
  return {{"schema", "rekeyd.rehearsal/1"},
          {"rekeyd", REKEYD_VERSION},
          {"from", to_rfc3339(programme.from)},
          {"until", to_rfc3339(programme.until)},
          {"months", programme.months},
          {"seed", programme.seed},
          {"faults", to_text(programme.faults)},
          {"database", programme.database.string()},
          {"policies", programme.policies.string()},
          {"keys", findings.keys},
          {"wdeks", programme.deks_known},
          {"wdeks_modelled", programme.deks_modelled},
          {"summary", summary(programme, findings)},
          {"rotations", write_all(findings.rotations)},
          {"by_month", write_months(programme, findings)},
          {"providers", write_all(findings.providers)},
          {"waits", write_all(findings.waits)},
          {"holds", write_all(findings.holds)},
          {"troubles", write_all(findings.troubles)},
          {"notes", std::move(notes)}};
}

}  // namespace rekeyd::rehearsal

#include "daemon/rekeyctl/history_text.hpp"

#include "daemon/rekeyctl/csv.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>

namespace rekeyd::rekeyctl {

namespace json = boost::json;
using storage::RecordedEvent;

namespace {

Style style_of(EventOutcome outcome) {
  switch (outcome) {
    case EventOutcome::ok:
      return Style::good;
    case EventOutcome::failed:
      return Style::bad;
    case EventOutcome::held:
      return Style::caution;
  }
  return Style::plain;
}

std::string key_of(HistoryEvent const& event) { return event.key ? event.key->text() : ""; }

template <class Named>
std::string text_of(std::optional<Named> const& name) {
  return name ? name->str() : "";
}

json::value value_of(std::string const& text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

json::object details_of(HistoryEvent const& event) {
  json::object details;
  for (auto const& [name, value] : event.details) details.emplace(name, value);
  return details;
}

json::object write_event(RecordedEvent const& recorded) {
  HistoryEvent const& e = recorded.event;
  return {{"sequence", recorded.sequence},
          {"at", to_rfc3339(e.at)},
          {"kind", to_text(e.kind)},
          {"outcome", to_text(e.outcome)},
          {"key", value_of(key_of(e))},
          {"version", value_of(text_of(e.version))},
          {"policy", value_of(e.policy.str())},
          {"rotation", value_of(text_of(e.rotation))},
          {"step", value_of(e.step)},
          {"actor", e.actor},
          {"sentence", e.sentence},
          {"error_code", value_of(e.error_code)},
          {"request_id", value_of(e.request_id)},
          {"details", details_of(e)},
          {"hash", recorded.hash}};
}

}  // namespace

std::string history_table(std::vector<RecordedEvent> const& events, bool colour) {
  Table table({{"SEQ", Column::Align::right},
               {"AT"},
               {"KIND"},
               {"OUTCOME"},
               {"KEY"},
               {"POLICY"},
               {"ROTATION"},
               {"ACTOR"},
               {"WHAT"}});
  for (RecordedEvent const& recorded : events) {
    HistoryEvent const& e = recorded.event;
    table.add({std::to_string(recorded.sequence), to_rfc3339(e.at), to_text(e.kind),
               Cell(to_text(e.outcome), style_of(e.outcome)), or_dash(key_of(e)), or_dash(e.policy.str()),
               or_dash(text_of(e.rotation)), or_dash(e.actor), or_dash(e.sentence)});
  }
  return table.text(colour);
}

std::string history_json(std::vector<RecordedEvent> const& events) {
  json::array all;
  for (RecordedEvent const& recorded : events) all.push_back(write_event(recorded));
  return json::serialize(json::object{{"schema", "rekeyd.history/1"}, {"events", std::move(all)}});
}

std::string history_csv(std::vector<RecordedEvent> const& events) {
  std::string text = csv_record({"sequence", "at", "kind", "outcome", "key", "version", "policy", "rotation",
                                 "step", "actor", "sentence", "error_code", "request_id", "details", "hash"});
  for (RecordedEvent const& recorded : events) {
    HistoryEvent const& e = recorded.event;
    std::string const details = e.details.empty() ? "" : json::serialize(details_of(e));
    text +=
        csv_record({std::to_string(recorded.sequence), to_rfc3339(e.at), to_text(e.kind), to_text(e.outcome),
                    key_of(e), text_of(e.version), e.policy.str(), text_of(e.rotation), e.step, e.actor,
                    e.sentence, e.error_code, e.request_id, details, recorded.hash});
  }
  return text;
}

}  // namespace rekeyd::rekeyctl

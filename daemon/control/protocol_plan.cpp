// What will rotate when, as JSON and back.
#include "daemon/control/json_members.hpp"
#include "daemon/control/protocol.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

constexpr std::string_view schema = "rekeyd.plan/1";

json::object write_entry(PlanEntry const& e) {
  return {{"at", json_time(e.at)},
          {"key", e.key.text()},
          {"name", e.name},
          {"policy", e.policy},
          {"every_months", e.every_months},
          {"mode", to_text(e.mode)},
          {"past_due", e.past_due},
          {"why", e.why}};
}

PlanEntry read_entry(Members const& members) {
  return {.key = members.key("key"),
          .name = members.text("name"),
          .policy = members.text("policy"),
          .every_months = static_cast<int>(members.integer("every_months")),
          .mode = members.word("mode", parse_mode),
          .at = members.instant("at"),
          .past_due = members.flag("past_due"),
          .why = members.text("why")};
}

PlanReport read_plan(Members const& document) {
  return {.from = document.instant("from"),
          .until = document.instant("until"),
          .entries = document.list("entries", read_entry),
          .keys_without_policy = document.count("keys_without_policy"),
          .findings = document.texts("findings")};
}

}  // namespace

std::string encode_plan(PlanReport const& report) {
  return to_json(json::object{{"schema", schema},
                              {"from", json_time(report.from)},
                              {"until", json_time(report.until)},
                              {"keys_without_policy", report.keys_without_policy},
                              {"findings", json_texts(report.findings)}},
                 "entries", report.entries, write_entry);
}

Result<PlanReport> decode_plan(std::string_view text) {
  return read_document<PlanReport>(text, schema, read_plan);
}

}  // namespace rekeyd::daemon

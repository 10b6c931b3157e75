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

json::object write_downtime(DowntimeReport const& d) {
  json::array machines;
  for (ResourceId const& machine : d.machines) machines.emplace_back(machine.str());
  return {{"at", json_time(d.at)},
          {"key", d.key.text()},
          {"rotations", d.rotations},
          {"resource", d.resource.str()},
          {"machines", std::move(machines)},
          {"stopped_by_us", d.stopped_by_us},
          {"longest_s", d.longest.count()},
          {"last_s", d.last ? json::value(d.last->count()) : json::value(nullptr)}};
}

DowntimeReport read_downtime(Members const& members) {
  DowntimeReport downtime{.key = members.key("key"),
                          .at = members.instant("at"),
                          .rotations = members.count("rotations"),
                          .resource = ResourceId(members.text("resource")),
                          .machines = {},
                          .stopped_by_us = members.flag("stopped_by_us"),
                          .longest = std::chrono::seconds(members.integer("longest_s")),
                          .last = {}};
  for (std::string& machine : members.texts("machines")) downtime.machines.emplace_back(std::move(machine));
  if (auto const last = members.integer_if("last_s")) downtime.last = std::chrono::seconds(*last);
  return downtime;
}

json::object write_retirement(RetirementReport const& r) {
  return {{"at", json_time(r.at)},
          {"key", r.key.text()},
          {"version", r.version.str()},
          {"by", to_text(r.by)},
          {"held_by", r.held_by}};
}

RetirementReport read_retirement(Members const& members) {
  return {.key = members.key("key"),
          .version = VersionId(members.text("version")),
          .by = members.word("by", parse_retire_by),
          .at = members.instant("at"),
          .held_by = members.text("held_by")};
}

PlanReport read_plan(Members const& document) {
  return {.from = document.instant("from"),
          .until = document.instant("until"),
          .entries = document.list("entries", read_entry),
          .downtimes = document.list("downtimes", read_downtime),
          .retirements = document.list("retirements", read_retirement),
          .keys_without_policy = document.count("keys_without_policy"),
          .findings = document.texts("findings")};
}

}  // namespace

std::string encode_plan(PlanReport const& report) {
  return to_json(json::object{{"schema", schema},
                              {"from", json_time(report.from)},
                              {"until", json_time(report.until)},
                              {"keys_without_policy", report.keys_without_policy},
                              {"downtimes", json_list(report.downtimes, write_downtime)},
                              {"retirements", json_list(report.retirements, write_retirement)},
                              {"findings", json_texts(report.findings)}},
                 "entries", report.entries, write_entry);
}

Result<PlanReport> decode_plan(std::string_view text) {
  return read_document<PlanReport>(text, schema, read_plan);
}

}  // namespace rekeyd::daemon

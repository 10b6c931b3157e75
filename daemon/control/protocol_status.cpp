// The daemon's status as JSON and back.
#include "daemon/control/protocol.hpp"
#include "daemon/control/protocol_holds.hpp"
#include "daemon/control/protocol_keys.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

constexpr std::string_view schema = "rekeyd.status/1";

json::object write_calls(CallReport const& c) {
  return {{"calls", c.calls},   {"retries", c.retries}, {"throttled", c.throttled},
          {"failed", c.failed}, {"waiting", c.waiting}, {"waited_s", c.waited_s}};
}

CallReport read_calls(Members const& members) {
  return {.calls = members.count("calls"),
          .retries = members.count("retries"),
          .throttled = members.count("throttled"),
          .failed = members.count("failed"),
          .waiting = members.count("waiting"),
          .waited_s = members.count("waited_s")};
}

json::object write_provider(ProviderReport const& p) {
  json::object object{{"name", p.name.str()},
                      {"kind", p.kind},
                      {"reachable", p.reachable},
                      {"last_error", json_said(p.last_error)},
                      {"last_inventory", json_time(p.last_inventory)},
                      {"keys", p.keys}};
  for (auto const& [name, value] : write_calls(p.calls)) object[name] = value;
  object["clock_offset_s"] = nullptr;
  object["resource_manager"] = nullptr;
  if (p.resource_calls) object["resource_manager"] = write_calls(*p.resource_calls);
  if (p.clock_offset_s) object["clock_offset_s"] = *p.clock_offset_s;
  return object;
}

ProviderReport read_provider(Members const& members) {
  auto const resource_manager = members.object_if("resource_manager");
  return {.name = ProviderName(members.text("name")),
          .kind = members.text("kind"),
          .reachable = members.flag("reachable"),
          .last_error = members.text_or_empty("last_error"),
          .last_inventory = members.instant_if("last_inventory"),
          .keys = members.count("keys"),
          .calls = read_calls(members),
          .resource_calls = resource_manager ? std::optional(read_calls(*resource_manager)) : std::nullopt,
          .clock_offset_s = members.integer_if("clock_offset_s")};
}

json::object write_dek_store(DekStoreReport const& store) {
  return {{"name", store.name.str()},
          {"defects", json_texts(store.defects)},
          {"defects_total", store.defects_total}};
}

DekStoreReport read_dek_store(Members const& members) {
  return {.name = DekStoreName(members.text("name")),
          .defects = members.texts("defects"),
          .defects_total = members.count("defects_total")};
}

StatusReport read_status(Members const& document) {
  return {.daemon_version = document.text("daemon_version"),
          .now = document.instant("now"),
          .started = document.instant("started"),
          .config_file = document.text("config_file"),
          .policy_digest = document.text_or_empty("policy_digest"),
          .policies = document.count("policies"),
          .policies_loaded = document.instant("policies_loaded"),
          .reload_errors = document.texts("reload_errors"),
          .warnings = document.texts("warnings"),
          .counts = document.count_map("counts"),
          .next_due = document.instant_if("next_due"),
          .providers = document.list("providers", read_provider),
          .dek_stores = document.list("dek_stores", read_dek_store),
          .holds = document.list("holds", read_hold),
          .attention = document.list("attention", read_key)};
}

}  // namespace

std::string encode_status(StatusReport const& s) {
  return to_json(json::object{{"schema", schema},
                              {"daemon_version", s.daemon_version},
                              {"now", json_time(s.now)},
                              {"started", json_time(s.started)},
                              {"config_file", s.config_file},
                              {"policy_digest", json_said(s.policy_digest)},
                              {"policies", s.policies},
                              {"policies_loaded", json_time(s.policies_loaded)},
                              {"reload_errors", json_texts(s.reload_errors)},
                              {"warnings", json_texts(s.warnings)},
                              {"counts", json_map(s.counts)},
                              {"next_due", json_time(s.next_due)},
                              {"providers", json_list(s.providers, write_provider)},
                              {"dek_stores", json_list(s.dek_stores, write_dek_store)},
                              {"holds", json_list(s.holds, write_hold)},
                              {"attention", json_list(s.attention, write_key)}});
}

Result<StatusReport> decode_status(std::string_view text) {
  return read_document<StatusReport>(text, schema, read_status);
}

}  // namespace rekeyd::daemon

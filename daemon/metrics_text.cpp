#include "daemon/metrics_text.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

namespace rekeyd::daemon {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

std::string escaped(std::string_view value) {
  std::string text;
  for (char const c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

std::string labels_text(Labels const& labels) {
  std::string text;
  for (auto const& [name, value] : labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
  }
  return text.empty() ? text : "{" + text + "}";
}

enum class Type { gauge, counter };

/// One metric with its help and type, and then its samples.
class Metric {
 public:
  Metric(std::string& text, std::string_view name, Type type, std::string_view help)
      : text_(text), name_(name) {
    text_ += fmt::format("# HELP rekeyd_{} {}\n# TYPE rekeyd_{} {}\n", name, help, name,
                         type == Type::gauge ? "gauge" : "counter");
  }
  template <class Number>
  void sample(Labels const& labels, Number value) {
    text_ += fmt::format("rekeyd_{}{} {}\n", name_, labels_text(labels), value);
  }
  void moment(Labels const& labels, std::optional<Instant> const& at) {
    if (at) sample(labels, at->time_since_epoch().count());
  }

 private:
  std::string& text_;
  std::string_view name_;
};

void tell_daemon(StatusReport const& status, std::string& text) {
  Metric(text, "build_info", Type::gauge, "The version that runs.")
      .sample({{"version", status.daemon_version}}, 1);
  Metric(text, "start_time_seconds", Type::gauge, "When this life of the daemon began.")
      .moment({}, status.started);
  Metric(text, "policies", Type::gauge, "Policies in force.").sample({}, status.policies);
  Metric(text, "policies_loaded_time_seconds", Type::gauge, "When they came into force.")
      .moment({}, status.policies_loaded);
  Metric(text, "reload_errors", Type::gauge, "Mistakes for which the last reload was refused; 0: it was not.")
      .sample({}, status.reload_errors.size());
  Metric(text, "warnings", Type::gauge, "What `rekeyctl status` warns of.")
      .sample({}, status.warnings.size());
  Metric(text, "next_due_time_seconds", Type::gauge, "When the next key is due that is not due yet.")
      .moment({}, status.next_due);
}

void tell_keys(StatusReport const& status, std::string& text) {
  Metric keys(text, "keys", Type::gauge, "Root keys by state.");
  for (int number = 0; *to_text(static_cast<KeyStatus>(number)) != '\0'; ++number) {
    std::string const word = to_text(static_cast<KeyStatus>(number));
    auto const count = status.counts.find(word);
    keys.sample({{"status", word}}, count == status.counts.end() ? 0 : count->second);
  }
  Metric attention(text, "key_attention", Type::gauge,
                   "1 for each key that is neither ready nor observed, with the reason's word.");
  for (KeyReport const& key : status.attention) {
    attention.sample({{"key", key.key.text()},
                      {"policy", key.policy},
                      {"status", to_text(key.verdict.status)},
                      {"reason", key.verdict.reason}},
                     1);
  }
  Metric since(text, "key_attention_since_seconds", Type::gauge, "Since when it has been so.");
  for (KeyReport const& key : status.attention) since.moment({{"key", key.key.text()}}, key.verdict.since);
  Metric holds(text, "hold", Type::gauge, "1 for each hold in force.");
  for (HoldReport const& hold : status.holds) {
    holds.sample({{"hold", hold.name}, {"scope", hold.scope}}, 1);
  }
}

void tell_providers(StatusReport const& status, std::string& text) {
  auto const& all = status.providers;
  Metric up(text, "provider_up", Type::gauge, "Whether the last inventory of the provider succeeded.");
  for (auto const& each : all)
    up.sample({{"provider", each.name.str()}, {"kind", each.kind}}, each.reachable ? 1 : 0);
  Metric inventory(text, "provider_inventory_time_seconds", Type::gauge,
                   "When its keys were last listed whole.");
  for (auto const& each : all) inventory.moment({{"provider", each.name.str()}}, each.last_inventory);
  Metric keys(text, "provider_keys", Type::gauge, "Root keys that it listed.");
  for (auto const& each : all) keys.sample({{"provider", each.name.str()}}, each.keys);
  Metric offset(text, "provider_clock_offset_seconds", Type::gauge, "The provider's Date minus our clock.");
  for (auto const& each : all) {
    if (each.clock_offset_s) offset.sample({{"provider", each.name.str()}}, *each.clock_offset_s);
  }
}

struct CallMetric {
  std::string_view name;
  Type type;
  std::string_view help;
  std::uint64_t CallReport::* value;
};
constexpr CallMetric call_metrics[] = {
    {"calls_total", Type::counter, "Calls to the provider.", &CallReport::calls},
    {"call_retries_total", Type::counter, "Calls that were sent again.", &CallReport::retries},
    {"calls_throttled_total", Type::counter, "Answers that asked us to slow down.", &CallReport::throttled},
    {"calls_failed_total", Type::counter, "Calls that failed in the end.", &CallReport::failed},
    {"calls_waiting", Type::gauge, "Calls that wait for room under the limits.", &CallReport::waiting},
    {"calls_waited_seconds_total", Type::counter, "So long have calls waited for it.",
     &CallReport::waited_s}};

void tell_calls(StatusReport const& status, std::string& text) {
  for (CallMetric const& metric : call_metrics) {
    Metric calls(text, metric.name, metric.type, metric.help);
    for (ProviderReport const& each : status.providers) {
      calls.sample({{"provider", each.name.str()}, {"service", "keys"}}, each.calls.*metric.value);
      if (!each.resource_calls) continue;
      calls.sample({{"provider", each.name.str()}, {"service", "resources"}},
                   (*each.resource_calls).*metric.value);
    }
  }
  Metric defects(text, "dek_store_defects", Type::gauge, "Entries of a DEK store that cannot be read.");
  for (DekStoreReport const& store : status.dek_stores) {
    defects.sample({{"store", store.name.str()}}, store.defects_total);
  }
}

void tell_resources(std::vector<ResourceReport> const& resources, std::string& text) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> by_kind;  // All, and those behind.
  for (ResourceReport const& each : resources) {
    auto& [count, behind] = by_kind[each.resource.kind];
    ++count;
    if (each.behind()) ++behind;
  }
  Metric all(text, "resources", Type::gauge, "Resources that use root keys, by kind.");
  for (auto const& [kind, counts] : by_kind) all.sample({{"kind", kind}}, counts.first);
  Metric behind(text, "resources_behind", Type::gauge,
                "Those on another version than their key's current one.");
  for (auto const& [kind, counts] : by_kind) behind.sample({{"kind", kind}}, counts.second);
  Metric conditions(text, "resource_condition", Type::gauge,
                    "1 for each resource with which something is wrong, with the word for it.");
  for (ResourceReport const& each : resources) {
    if (!each.resource.condition) continue;
    conditions.sample({{"resource", each.resource.resource.str()},
                       {"key", each.resource.key.text()},
                       {"kind", each.resource.kind},
                       {"condition", each.resource.condition->word}},
                      1);
  }
}

}  // namespace

std::string metrics_text(StatusReport const& status, std::vector<ResourceReport> const& resources) {
  std::string text;
  tell_daemon(status, text);
  tell_keys(status, text);
  tell_providers(status, text);
  tell_calls(status, text);
  tell_resources(resources, text);
  return text;
}

}  // namespace rekeyd::daemon

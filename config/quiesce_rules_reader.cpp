#include "config/quiesce_rules_reader.hpp"

#include "config/tag_patterns.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;

std::vector<Tags> order_of(Given const& given, Findings& findings) {
  std::vector<Tags> order;
  for (Given item : list_of(given, findings)) {
    item.label = "an entry of 'order'";
    if (Tags tags = tag_patterns_of(item, findings); !tags.empty()) order.push_back(std::move(tags));
  }
  return order;
}

std::vector<std::string> command_of(Given const& given, Findings& findings) {
  std::vector<std::string> words;
  for (Given const& item : list_of(given, findings)) {
    if (auto word = text_of(item, findings)) words.push_back(*std::move(word));
  }
  bool const relative = !words.empty() && !words.front().starts_with('/');
  if (relative) {
    findings.error(given.at(), "command",
                   fmt::format("{}: '{}' is no absolute path", given.label, words.front()),
                   "name the program with its whole path; no shell is asked");
  }
  if (given && words.empty()) {
    findings.error(given.at(), "command", fmt::format("{} names no program", given.label),
                   "command: [/usr/local/bin/drain-machine]");
  }
  return words;
}

std::optional<DrainCommand> drain_of(Given const& given, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  DrainCommand drain;
  drain.words = command_of(fields.required("command", "command: [/usr/local/bin/drain-machine]"), findings);
  auto const deadline = duration_of(fields.optional("deadline"), 1s, 24h, findings);
  if (deadline) drain.deadline = std::chrono::floor<std::chrono::seconds>(*deadline);
  fields.finish();
  return drain;
}

}  // namespace

QuiesceRules quiesce_rules_of(Given const& given, Findings& findings) {
  QuiesceRules rules;
  if (!map_of(given, findings)) return rules;
  FieldReader fields(given, findings);
  assign(rules.stop, truth_of(fields.required("stop", "stop: true"), findings));
  assign(rules.at_once, whole_number_of(fields.optional("at_once"), 1, 100, findings));
  // Below a minute no machine is stopped and started again; above a day it is no bound any more.
  auto const downtime = duration_of(fields.optional("downtime_max"), 1min, 24h, findings);
  if (downtime) rules.downtime_max = std::chrono::floor<std::chrono::seconds>(*downtime);
  rules.order = order_of(fields.optional("order"), findings);
  rules.drain = drain_of(fields.optional("drain"), findings);
  fields.finish();
  return rules;
}

}  // namespace rekeyd::config

// rekeyctl resources: what uses the keys, on which version, and what is wrong with it.
#include "config/glob_syntax.hpp"
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"
#include "policy/match.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::rekeyctl {

using daemon::ResourceReport;

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::optional<std::string> key, kind;
  bool behind{};
  bool troubled{};
};

bool is_wanted(Options const& options, ResourceReport const& report) {
  Registration const& resource = report.resource;
  if (options.key && !glob_matches(*options.key, resource.key.text()) &&
      !glob_matches(*options.key, resource.key.id.str())) {
    return false;
  }
  if (options.kind && resource.kind != *options.kind) return false;
  if (options.behind && !report.behind()) return false;
  return !options.troubled || resource.condition.has_value();
}

char const* following_words(Following following) {
  switch (following) {
    case Following::by_itself:
      return "by itself";
    case Following::when_told:
      return "when told";
    case Following::when_told_at_rest:
      return "when told, at rest";
    case Following::never:
      return "never";
    case Following::past:
      return "no more";
    case Following::unknown:
      break;
  }
  return "-";
}

Cell version_cell(ResourceReport const& report) {
  if (!report.resource.version) return Cell("-");
  if (report.behind()) return Cell("older", style_of(KeyStatus::due));
  return Cell(report.current_version ? "current" : "unknown");
}

Cell condition_cell(Registration const& resource) {
  if (!resource.condition) return Cell("-");
  return Cell(resource.condition->word, style_of(KeyStatus::blocked));
}

std::string table_text(std::vector<ResourceReport> const& resources, bool colour) {
  Table table({{"KEY"},
               {"RESOURCE"},
               {"KIND"},
               {"VERSION"},
               {"FOLLOWS"},
               {"ON IT", Column::Align::right},
               {"SINCE"},
               {"CONDITION"}});
  for (ResourceReport const& report : resources) {
    Registration const& r = report.resource;
    table.add({r.key.text(), r.resource.str(), r.kind, version_cell(report), following_words(r.following),
               std::to_string(r.tied.size()), moment(r.updated), condition_cell(r)});
  }
  return table.text(colour);
}

/// What a person has to know of those that are in trouble; the table has only the word.
void tell_conditions(std::vector<ResourceReport> const& resources, Output& out) {
  for (ResourceReport const& report : resources) {
    if (!report.resource.condition) continue;
    ResourceCondition const& condition = *report.resource.condition;
    out.words(
        fmt::format("{}: {}; {}", report.resource.resource.str(), condition.sentence, condition.remedy));
  }
}

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto resources = client->resources();
  if (!resources) return failed(out, resources.error());
  std::erase_if(*resources, [&](ResourceReport const& each) { return !is_wanted(options, each); });
  if (options.format == Format::json) {
    out.json(daemon::encode_resources(*resources));
  } else {
    out.data(table_text(*resources, out.colour()));
    tell_conditions(*resources, out);
  }
  if (resources->empty()) out.words("no resource matches");
  return Exit::well;
}

std::string check_pattern(std::string const& pattern) {
  std::string judged = pattern;
  std::ranges::replace(judged, '/', '_');
  auto const defect = config::glob_defect(judged);
  return defect ? fmt::format("'{}' is not a pattern: {}", pattern, *defect) : "";
}

}  // namespace

void add_resources(Commands const& commands) {
  auto const [command, options] =
      commands.add("resources", "What uses the keys, on which version, and what is wrong with it", run);
  command->add_option("--key", options->key, "Only of keys whose id or whole reference matches this glob")
      ->check(check_pattern)
      ->option_text("GLOB");
  command->add_option("--kind", options->kind, "Only of this kind, such as disk-encryption-set")
      ->option_text("KIND");
  command->add_flag("--behind", options->behind,
                    "Only those on an older version than their key's current one");
  command->add_flag("--troubled", options->troubled, "Only those with which something is wrong");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl

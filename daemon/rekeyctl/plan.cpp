// rekeyctl plan: who rotates when, and why.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rekeyd::rekeyctl {

using daemon::DowntimeReport;
using daemon::PlanEntry;
using daemon::PlanReport;
using daemon::RetirementReport;

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string span{"12months"};
  std::string until;
};

Style style_of(PlanEntry const& entry) {
  if (entry.mode == Mode::observe) return Style::faint;
  return entry.past_due ? Style::caution : Style::plain;
}

std::string short_name(ResourceId const& id) { return printable(id.str().substr(id.str().rfind('/') + 1)); }

/// "retire 2026-12-01T00:00:00Z: version 1f2e of azure-prod/kv/cmk, by expiry; held: ..."
std::string retirement_text(RetirementReport const& retirement, Instant now) {
  std::string const when =
      retirement.at <= now ? std::string("as soon as nothing holds it") : moment(retirement.at);
  std::string const held = retirement.held_by.empty() ? "" : "; now held: " + printable(retirement.held_by);
  return fmt::format("retire {}: version {} of {}, by {}{}\n", when, printable(retirement.version.str()),
                     retirement.key.text(), to_text(retirement.by), held);
}

/// "downtime 2026-12-01T00:00:00Z: 2 machines on des-cvm for azure-prod/kv/cmk, ..."
std::string downtime_text(DowntimeReport const& downtime) {
  std::vector<std::string> names;
  for (ResourceId const& machine : downtime.machines) names.push_back(short_name(machine));
  std::string const last =
      downtime.last ? fmt::format(", {} the last time", lasting(*downtime.last)) : std::string();
  std::string const how =
      downtime.stopped_by_us
          ? fmt::format("those that run are stopped, for at most {}{}", lasting(downtime.longest), last)
          : "rekeyd may not stop them: the rotation waits until a person has";
  std::string const times =
      downtime.rotations > 1 ? fmt::format(", and {} more times", downtime.rotations - 1) : std::string();
  return fmt::format("downtime {}{}: {} on {} of {}; {}: {}\n", moment(downtime.at), times,
                     counted(names.size(), "machine"), short_name(downtime.resource), downtime.key.text(),
                     how, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

std::string table_text(PlanReport const& report, bool colour) {
  Table table({{"AT"}, {"KEY"}, {"NAME"}, {"POLICY"}, {"EVERY"}, {"MODE"}, {"WHY"}});
  for (PlanEntry const& e : report.entries) {
    table.add({Cell(moment(e.at), style_of(e)), e.key.text(), or_dash(e.name), or_dash(e.policy),
               counted(static_cast<std::size_t>(e.every_months), "month"), to_text(e.mode), e.why});
  }
  std::string text = table.text(colour);
  for (DowntimeReport const& downtime : report.downtimes) text += downtime_text(downtime);
  for (RetirementReport const& retirement : report.retirements) {
    text += retirement_text(retirement, report.from);
  }
  for (std::string const& finding : report.findings) text += "finding: " + printable(finding) + "\n";
  return text;
}

std::size_t dates_of(PlanReport const& report, Mode mode) {
  return static_cast<std::size_t>(std::ranges::count(report.entries, mode, &PlanEntry::mode));
}

std::string summary(PlanReport const& report) {
  std::size_t const delegated = dates_of(report, Mode::delegate);
  std::size_t const observed = dates_of(report, Mode::observe);
  return fmt::format("{} from {} to {}; {}{}{} without a policy",
                     counted(dates_of(report, Mode::enforce), "rotation"), moment(report.from),
                     moment(report.until),
                     delegated == 0 ? "" : fmt::format("{} by the provider; ", delegated),
                     observed == 0 ? "" : counted(observed, "date") + " only observed; ",
                     counted(report.keys_without_policy, "key"));
}

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const report = options.until.empty() ? client->plan_for(options.span)
                                            : client->plan_until(*parse_moment(options.until));
  if (!report) return failed(out, report.error());
  if (options.format == Format::json) {
    out.json(daemon::encode_plan(*report));
  } else {
    out.data(table_text(*report, out.colour()));
    out.words(summary(*report));
  }
  bool const none = dates_of(*report, Mode::enforce) + dates_of(*report, Mode::delegate) == 0;
  return none ? Exit::well : Exit::due;
}

}  // namespace

void add_plan(Commands const& commands) {
  auto const [command, options] =
      commands.add("plan", "Which keys rotate when, and why (exit 2: at least one within the span)", run);
  auto* const span = command->add_option("--for", options->span, "How far ahead: 12months, 90days, 2years")
                         ->check(CLI::Validator(check_span, ""))
                         ->capture_default_str()
                         ->option_text("SPAN");
  command->add_option("--until", options->until, "Until this date or time (UTC)")
      ->check(CLI::Validator(check_moment, ""))
      ->excludes(span)
      ->option_text("DATE");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl

// rekeyctl status: how the daemon and its keys are.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::rekeyctl {

using daemon::StatusReport;

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
};

constexpr auto right = Column::Align::right;

std::size_t count_of(StatusReport const& report, KeyStatus status) {
  auto const found = report.counts.find(to_text(status));
  return found == report.counts.end() ? 0 : found->second;
}

std::string heading(StatusReport const& r) {
  return fmt::format(
      "daemon    {}, running since {}\n"
      "config    {}\n"
      "policies  {}, loaded {}, digest {}\n"
      "next due  {}\n",
      printable(r.daemon_version), moment(r.started), printable(r.config_file), r.policies,
      moment(r.policies_loaded), printable(or_dash(r.policy_digest)), moment(r.next_due));
}

std::string key_counts(StatusReport const& report, bool colour) {
  Table table({{"STATUS"}, {"KEYS", right}});
  for (auto const& [word, count] : report.counts) {
    auto const status = parse_key_status(word);
    Style const style = status && count > 0 ? style_of(*status) : Style::faint;
    table.add({Cell(word, style), std::to_string(count)});
  }
  return table.empty() ? "" : "\n" + table.text(colour);
}

std::string clock_words(std::optional<std::int64_t> const& offset_s) {
  return offset_s ? fmt::format("{:+d} s", *offset_s) : "-";
}

std::string providers(StatusReport const& report, bool colour) {
  Table table({{"PROVIDER"},
               {"KIND"},
               {"REACHABLE"},
               {"KEYS", right},
               {"LAST INVENTORY"},
               {"CLOCK", right},
               {"LAST ERROR"}});
  for (auto const& p : report.providers) {
    table.add({p.name.str(), p.kind, Cell(p.reachable ? "yes" : "no", p.reachable ? Style::good : Style::bad),
               std::to_string(p.keys), moment(p.last_inventory), clock_words(p.clock_offset_s),
               or_dash(p.last_error)});
  }
  return table.empty() ? "" : "\n" + table.text(colour);
}

void add_calls(Table& table, ProviderName const& provider, char const* service, daemon::CallReport const& c) {
  table.add({provider.str(), service, std::to_string(c.calls), std::to_string(c.retries),
             std::to_string(c.throttled), std::to_string(c.failed), std::to_string(c.waiting),
             fmt::format("{} s", c.waited_s)});
}

std::string calls(StatusReport const& report, bool colour) {
  Table table({{"PROVIDER"},
               {"CALLS TO"},
               {"CALLS", right},
               {"RETRIES", right},
               {"THROTTLED", right},
               {"FAILED", right},
               {"WAITING", right},
               {"WAITED", right}});
  for (auto const& p : report.providers) {
    add_calls(table, p.name, "keys", p.calls);
    if (p.resource_calls) add_calls(table, p.name, "resources", *p.resource_calls);
  }
  return table.empty() ? "" : "\n" + table.text(colour);
}

std::string dek_stores(StatusReport const& report, bool colour) {
  if (report.dek_stores.empty()) return "";
  Table table({{"DEK STORE"}, {"DEFECTS", right}});
  std::string defects;
  for (auto const& store : report.dek_stores) {
    table.add({store.name.str(), Cell(std::to_string(store.defects_total),
                                      store.defects_total > 0 ? Style::bad : Style::plain)});
    for (auto const& each : store.defects) {
      defects += fmt::format("defect: {}: {}\n", printable(store.name.str()), printable(each));
    }
  }
  return "\n" + table.text(colour) + defects;
}

std::string sentences(char const* word, std::vector<std::string> const& all, Style style, bool colour) {
  std::string text;
  for (auto const& each : all) {
    // What is told of a file says by itself that it is a warning.
    bool const says_so = each.find(": warning: ") != std::string::npos;
    text += (says_so ? "" : styled(word, style, colour) + ": ") + printable(each) + "\n";
  }
  return text.empty() ? "" : "\n" + text;
}

// What the key waits for, and what a person can do about it.
std::string why(daemon::KeyReport const& key) {
  return or_dash(with_remedy(key.verdict.sentence, key.rotation ? key.rotation->remedy : ""));
}

std::string attention(StatusReport const& report, bool colour) {
  if (report.attention.empty()) return "";
  Table table({{"KEY"}, {"NAME"}, {"STATUS"}, {"SINCE"}, {"NEXT TRY"}, {"REASON"}, {"ROTATION"}, {"WHY"}});
  for (auto const& key : report.attention) {
    Verdict const& v = key.verdict;
    table.add({key.key.text(), or_dash(key.name), Cell(status_words(v), style_of(v.status)), moment(v.since),
               moment(v.next_try), or_dash(v.reason), key.rotation ? key.rotation->id.str() : "-", why(key)});
  }
  return "\n" + table.text(colour);
}

std::string holds(StatusReport const& report, bool colour) {
  if (report.holds.empty()) return "";
  Table table({{"HELD"}, {"SCOPE"}, {"SINCE"}, {"NEXT TRY"}, {"KEYS DUE", right}, {"BY POLICY"}, {"WHY"}});
  for (auto const& hold : report.holds) {
    std::size_t const due = due_keys(hold);
    table.add({Cell(hold.name, Style::bad), hold.scope, moment(hold.since), moment(hold.next_try),
               std::to_string(due), or_dash(due_words(hold)), hold.sentence});
  }
  return "\n" + table.text(colour);
}

std::string table_text(StatusReport const& report, bool colour) {
  return heading(report) + holds(report, colour) + key_counts(report, colour) + providers(report, colour) +
         calls(report, colour) + dek_stores(report, colour) +
         sentences("reload refused", report.reload_errors, Style::bad, colour) +
         sentences("warning", report.warnings, Style::caution, colour) + attention(report, colour);
}

/// Their rotations go on trying by themselves, in vain so far.
std::size_t count_failing(StatusReport const& report) {
  return static_cast<std::size_t>(std::ranges::count_if(report.attention, [](daemon::KeyReport const& key) {
    return key.verdict.reason == "rotation_failing";
  }));
}

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const report = client->status();
  if (!report) return failed(out, report.error());
  if (options.format == Format::json) {
    out.json(daemon::encode_status(*report));
  } else {
    out.data(table_text(*report, out.colour()));
  }
  std::size_t const overdue = count_of(*report, KeyStatus::overdue);
  std::size_t const blocked = count_of(*report, KeyStatus::blocked);
  std::size_t const failing = count_failing(*report);
  std::size_t const held = report->holds.size();
  if (overdue + blocked + failing + held == 0) return Exit::well;
  std::string words = fmt::format("{} overdue, {} blocked", counted(overdue, "key"), counted(blocked, "key"));
  if (failing > 0) words += fmt::format(", {} failing", counted(failing, "rotation"));
  if (held > 0) words += fmt::format(", {} in force (`rekeyctl release` lets go)", counted(held, "hold"));
  out.words(words);
  return Exit::attention;
}

}  // namespace

void add_status(Commands const& commands) {
  auto const [command, options] = commands.add(
      "status",
      "How the daemon and its keys are (exit 4: overdue or blocked keys, failing rotations, or a hold)", run);
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl

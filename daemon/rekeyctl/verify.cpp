// rekeyctl verify: is the history what it was? Recomputes the hash chain; reads only.
#include "storage/verify.hpp"

#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>

namespace rekeyd::rekeyctl {

namespace json = boost::json;
using storage::HistoryHead;
using storage::VerifyReport;

namespace {

struct Options {
  Format format{Format::table};
  std::string database, config, expected_head;
};

/// "17:ab12..." as verify prints it.
std::optional<HistoryHead> parse_head(std::string const& text) {
  HistoryHead head;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), head.sequence);
  if (problem != std::errc() || head.sequence < 1 || end == text.data() + text.size() || *end != ':') {
    return std::nullopt;
  }
  head.hash.assign(end + 1, text.data() + text.size());
  bool const hex = head.hash.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!hex || head.hash.size() != 64) return std::nullopt;
  return head;
}

std::string check_head(std::string const& text) {
  return parse_head(text) ? ""
                          : fmt::format("'{}' is not SEQUENCE:HASH as an earlier verify printed it", text);
}

std::string head_text(VerifyReport const& report) {
  return fmt::format("{}:{}", report.last_sequence, report.head_hash);
}

std::string json_text(VerifyReport const& report) {
  json::array findings;
  for (auto const& each : report.findings) {
    json::object finding{{"kind", to_text(each.kind)}, {"sequence", nullptr}, {"what", each.what}};
    if (each.sequence != 0) finding["sequence"] = each.sequence;
    findings.push_back(std::move(finding));
  }
  return json::serialize(json::object{{"schema", "rekeyd.verify/1"},
                                      {"sound", report.sound()},
                                      {"events", report.events},
                                      {"first_sequence", report.first_sequence},
                                      {"last_sequence", report.last_sequence},
                                      {"head", head_text(report)},
                                      {"findings_total", report.findings_total},
                                      {"findings", std::move(findings)}});
}

std::string table_text(VerifyReport const& report, bool colour) {
  std::string text = fmt::format(
      "history  {}\nevents   {}\nhead     {}\n",
      report.sound() ? styled("sound", Style::good, colour) : styled("NOT SOUND", Style::bad, colour),
      report.events, head_text(report));
  if (report.findings.empty()) return text;
  Table table({{"FINDING"}, {"EVENT", Column::Align::right}, {"WHAT"}});
  for (auto const& each : report.findings) {
    table.add({to_text(each.kind), each.sequence == 0 ? "-" : std::to_string(each.sequence), each.what});
  }
  return text + "\n" + table.text(colour);
}

Exit run(Options const& options, Output& out) {
  auto const path = database(options.database, options.config, config::process_environment());
  if (!path) return failed(out, path.error());
  storage::VerifyOptions how;
  how.expected_head = parse_head(options.expected_head);
  auto const report = storage::verify(*path, how);
  if (!report) return failed(out, report.error());
  if (options.format == Format::json) {
    out.json(json_text(*report));
  } else {
    out.data(table_text(*report, out.colour()));
  }
  if (report->sound()) {
    if (options.expected_head.empty())
      out.words("keep the head elsewhere: --expect-head then shows a cut-off tail too");
    return Exit::well;
  }
  out.words(fmt::format("{} in {}: keep the file as it is and tell security staff",
                        counted(report->findings_total, "finding"), path->string()));
  return Exit::integrity;
}

}  // namespace

void add_verify(Commands const& commands) {
  auto const [command, options] =
      commands.add("verify", "Check that the history is complete and unaltered (exit 5: it is not)", run);
  add_database_options(*command, options->database, options->config);
  command
      ->add_option("--expect-head", options->expected_head,
                   "A head noted earlier: the history must still contain it")
      ->check(CLI::Validator(check_head, ""))
      ->option_text("SEQUENCE:HASH");
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

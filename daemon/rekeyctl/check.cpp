// rekeyctl check: policies and configuration, without the daemon. Every mistake at once, told like a compiler
// tells it, on stdout: here the findings are the data.
#include "config/load.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace rekeyd::rekeyctl {

namespace json = boost::json;
namespace fs = std::filesystem;
using config::Diagnostic;
using config::Severity;

namespace {

struct Options {
  Format format{Format::table};
  std::vector<std::string> files;
  std::string config;
  bool strict{};
};

struct Findings {
  std::vector<Diagnostic> all;

  /// A policy that names what the configuration does not have can never match.
  void take_names(std::optional<PolicySet> const& policies, std::optional<config::Settings> const& settings) {
    if (policies && settings)
      std::ranges::move(config::check_names(*policies, *settings), std::back_inserter(all));
  }

  template <class T>
  std::optional<T> take(config::Loaded<T> loaded) {
    std::ranges::move(loaded.diagnostics, std::back_inserter(all));
    return std::move(loaded.value);
  }
  std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(std::ranges::count(all, severity, &Diagnostic::severity));
  }
  bool unreadable() const { return std::ranges::find(all, "unreadable", &Diagnostic::rule) != all.end(); }
};

// Files given together are one set: two that claim the same keys are a mistake that neither shows alone.
void check_files(std::vector<std::string> const& files, std::optional<config::Settings> const& settings,
                 Findings& findings) {
  std::vector<fs::path> together;
  for (std::string const& file : files) {
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) {
      findings.take_names(findings.take(config::load_policies(file)), settings);
    } else {
      together.emplace_back(file);
    }
  }
  if (!together.empty()) findings.take_names(findings.take(config::load_policy_files(together)), settings);
}

Findings check(Options const& options) {
  Findings findings;
  std::optional<config::Settings> settings;
  if (options.files.empty() || !options.config.empty()) {
    std::string const file = options.config.empty() ? default_config : options.config;
    settings = findings.take(config::load_settings(file, config::process_environment()));
    if (settings && options.files.empty()) check_files({settings->policies.string()}, settings, findings);
  }
  check_files(options.files, settings, findings);
  return findings;
}

json::object write_place(SourcePlace const& place) {
  json::object object{{"file", place.file}, {"line", nullptr}, {"column", nullptr}};
  if (place.line > 0) {
    object["line"] = place.line;
    object["column"] = place.column;
  }
  return object;
}

json::object write_finding(Diagnostic const& d) {
  json::object object = write_place(d.place);
  object["severity"] = d.severity == Severity::error ? "error" : "warning";
  object["rule"] = d.rule;
  object["message"] = d.message;
  object["hint"] = d.hint;
  json::array related;
  for (SourcePlace const& place : d.related) related.push_back(write_place(place));
  object["related"] = std::move(related);
  return object;
}

std::string json_text(Findings const& findings) {
  json::array all;
  for (Diagnostic const& each : findings.all) all.push_back(write_finding(each));
  return json::serialize(json::object{{"schema", "rekeyd.check/1"},
                                      {"errors", findings.count(Severity::error)},
                                      {"warnings", findings.count(Severity::warning)},
                                      {"findings", std::move(all)}});
}

std::string table_text(Findings const& findings, bool colour) {
  std::string text;
  for (Diagnostic const& each : findings.all) {
    Style const style = each.severity == Severity::error ? Style::bad : Style::caution;
    std::string const line = printable(config::to_text(each));
    std::string const word = each.severity == Severity::error ? ": error: " : ": warning: ";
    auto const at = line.find(word);
    text += at == std::string::npos
                ? line
                : line.substr(0, at + 2) + styled(word.substr(2, word.size() - 3), style, colour) +
                      line.substr(at + word.size() - 1);
    text += "\n";
  }
  return text;
}

Exit run(Options const& options, Output& out) {
  Findings const findings = check(options);
  if (options.format == Format::json) {
    out.json(json_text(findings));
  } else {
    out.data(table_text(findings, out.colour()));
  }
  std::size_t const errors = findings.count(Severity::error);
  std::size_t const warnings = findings.count(Severity::warning);
  if (errors + warnings > 0) out.words(counted(errors, "error") + ", " + counted(warnings, "warning"));
  if (findings.unreadable()) return Exit::error;
  return errors > 0 || (options.strict && warnings > 0) ? Exit::findings : Exit::well;
}

}  // namespace

void add_check(Commands const& commands) {
  auto const [command, options] = commands.add(
      "check",
      "Check policy files and configuration, without the daemon (exit 3: mistakes, 1: cannot be read)", run);
  command
      ->add_option("files", options->files,
                   "Policy files or folders; none: the configuration and the folder it names")
      ->option_text("FILE...");
  command
      ->add_option("--config", options->config,
                   fmt::format("The daemon's configuration (else {})", default_config))
      ->option_text("FILE");
  command->add_flag("--strict", options->strict, "Warnings count as mistakes");
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

// rekeyctl rehearse: what the policies will do in the months to come, lived through by the real daemon
// against a model of its own inventory. Reads only; no daemon and no provider needed. The daemon and the
// model are in a program of their own, which this one starts: rekeyctl itself has neither.
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/diagnostics_text.hpp"
#include "daemon/rekeyctl/rehearsal_text.hpp"
#include "daemon/rekeyctl/subprogram.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <unistd.h>

namespace rekeyd::rekeyctl {

namespace json = boost::json;
using config::Diagnostic;
using config::Severity;

namespace {

struct Options {
  Format format{Format::table};
  std::string config, database, policies, from, faults{"none"};
  unsigned months{12};
  std::string seed;
};

std::string config_file(Options const& options) {
  return options.config.empty() ? default_config : options.config;
}

/// Everything that `check` would find in what is rehearsed.
std::vector<Diagnostic> check(Options const& options) {
  auto settings = config::load_settings(config_file(options), config::process_environment());
  std::vector<Diagnostic> found = std::move(settings.diagnostics);
  if (!settings.value) return found;
  auto policies =
      config::load_policies(options.policies.empty() ? settings.value->policies.string() : options.policies);
  std::ranges::move(policies.diagnostics, std::back_inserter(found));
  if (policies.value)
    std::ranges::move(config::check_names(*policies.value, *settings.value), std::back_inserter(found));
  return found;
}

/// Nothing: there are no mistakes, and warnings are told.
std::optional<Exit> refused(Options const& options, Output& out) {
  std::vector<Diagnostic> const found = check(options);
  if (count(found, Severity::error) == 0) {
    for (Diagnostic const& warning : found) out.words(config::to_text(warning));
    return std::nullopt;
  }
  if (options.format == Format::json) {
    out.json(diagnostics_json(found));
  } else {
    out.data(diagnostics_table(found, out.colour()));
  }
  out.words(diagnostics_counted(found) + "; nothing was rehearsed");
  return any_unreadable(found) ? Exit::error : Exit::findings;
}

std::vector<std::string> arguments_of(Options const& options) {
  std::vector<std::string> arguments{"--config", config_file(options),
                                     "--months", std::to_string(options.months),
                                     "--faults", options.faults};
  auto const add = [&arguments](char const* name, std::string const& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  add("--database", options.database);
  add("--policies", options.policies);
  if (!options.from.empty()) add("--from", to_rfc3339(*parse_moment(options.from)));
  add("--seed", options.seed);
  if (::isatty(STDERR_FILENO) == 1) arguments.emplace_back("--progress");
  return arguments;
}

/// The document, if it is one of ours.
std::optional<json::object> parsed(std::string const& text) {
  json::error_code problem;
  json::value document = json::parse(text, problem);
  if (problem || !document.is_object()) return std::nullopt;
  json::value const* const schema = document.get_object().if_contains("schema");
  if (schema == nullptr || *schema != "rekeyd.rehearsal/1") return std::nullopt;
  return std::move(document.get_object());
}

Exit run(Options const& options, Output& out) {
  if (auto const exit = refused(options, out)) return *exit;
  auto const program = find_subprogram("rekeyd-rehearse");
  if (!program) return failed(out, program.error());
  auto const ended = run_subprogram(*program, arguments_of(options));
  if (!ended) return failed(out, ended.error());
  if (ended->exit < 0) out.words(fmt::format("{} was ended by signal {}", program->string(), -ended->exit));
  if (ended->exit != 0) return Exit::error;
  auto const rehearsal = parsed(ended->out);
  if (!rehearsal) {
    out.words(fmt::format("{} is of another version than this program", program->string()));
    return Exit::error;
  }
  if (options.format == Format::json) {
    out.json(ended->out);
  } else {
    out.data(rehearsal_table(*rehearsal, out.colour()));
    out.words(rehearsal_summary(*rehearsal));
  }
  return ended_badly(*rehearsal) ? Exit::attention : Exit::well;
}

std::string check_seed(std::string const& text) {
  std::uint64_t seed = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seed);
  bool const number = problem == std::errc() && end == text.data() + text.size();
  return number ? "" : fmt::format("'{}' is not a number from 0 to {}", text, UINT64_MAX);
}

void add_play(CLI::App& command, Options& options) {
  command.add_option("--months", options.months, "How far ahead")
      ->check(CLI::Range(1, 120))
      ->capture_default_str()
      ->option_text("N");
  command.add_option("--from", options.from, "Begin at this date or time (UTC), not now")
      ->check(CLI::Validator(check_moment, ""))
      ->option_text("DATE");
  command
      .add_option("--faults", options.faults,
                  "What goes wrong meanwhile: none, usual (an ordinary year) or hostile")
      ->check(CLI::IsMember({"none", "usual", "hostile"}))
      ->capture_default_str()
      ->option_text("WORD");
  command
      .add_option("--seed", options.seed, "Repeat a rehearsal with this seed; drawn by chance if not given")
      ->check(CLI::Validator(check_seed, ""))
      ->option_text("N");
}

}  // namespace

void add_rehearse(Commands const& commands) {
  auto const [command, options] = commands.add("rehearse",
                                               "Live through the months to come against a model of this "
                                               "inventory; touches nothing (exit 3: mistakes in "
                                               "files, 4: ended with blocked or overdue keys)",
                                               run);
  add_play(*command, *options);
  command
      ->add_option("--policies", options->policies,
                   "A folder of policy files that are not in force yet (else those of the configuration)")
      ->option_text("DIR");
  add_database_options(*command, options->database, options->config);
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

// rekeyctl check: policies and configuration, without the daemon unless it is asked to hold them against the
// keys that the daemon knows. Every mistake at once, told like a compiler tells it, on stdout: here the
// findings are the data.
#include "config/load.hpp"
#include "daemon/certificate_checks.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/contradictions.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/diagnostics_text.hpp"
#include "providers/system/system_clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace rekeyd::rekeyctl {

namespace fs = std::filesystem;
using config::Diagnostic;
using config::Severity;

namespace {

struct Options {
  Format format{Format::table};
  std::vector<std::string> files;
  std::string config;
  bool strict{};
  bool against_state{};
  std::string socket;
};

struct Findings {
  std::vector<Diagnostic> all;
  PolicySet policies;  ///< All that could be read.

  /// A policy that names what the configuration does not have can never match.
  void take_policies(std::optional<PolicySet> read, std::optional<config::Settings> const& settings) {
    if (!read) return;
    if (settings) std::ranges::move(config::check_names(*read, *settings), std::back_inserter(all));
    std::ranges::move(read->policies, std::back_inserter(policies.policies));
  }

  /// The configuration may be right, and what it names no good.
  void take_certificates(config::Settings const& settings) {
    auto const now = providers::make_system_clock()->wall_now();
    std::ranges::move(daemon::check_certificates(settings, now), std::back_inserter(all));
  }

  template <class T>
  std::optional<T> take(config::Loaded<T> loaded) {
    std::ranges::move(loaded.diagnostics, std::back_inserter(all));
    return std::move(loaded.value);
  }
};

// Files given together are one set: two that claim the same keys are a mistake that neither shows alone.
void check_files(std::vector<std::string> const& files, std::optional<config::Settings> const& settings,
                 Findings& findings) {
  std::vector<fs::path> together;
  for (std::string const& file : files) {
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) {
      findings.take_policies(findings.take(config::load_policies(file)), settings);
    } else {
      together.emplace_back(file);
    }
  }
  if (!together.empty()) findings.take_policies(findings.take(config::load_policy_files(together)), settings);
}

Findings check(Options const& options) {
  Findings findings;
  std::optional<config::Settings> settings;
  if (options.files.empty() || !options.config.empty()) {
    std::string const file = options.config.empty() ? default_config : options.config;
    settings = findings.take(config::load_settings(file, config::process_environment()));
    if (settings) findings.take_certificates(*settings);
    if (settings && options.files.empty()) check_files({settings->policies.string()}, settings, findings);
  }
  check_files(options.files, settings, findings);
  return findings;
}

/// The keys as the daemon knows them, and what of these policies they contradict.
Result<void> check_against_state(Options const& options, Findings& findings) {
  DaemonOptions daemon;
  daemon.socket = options.socket;
  daemon.config = options.config;
  auto client = connect(daemon);
  if (!client) return std::unexpected(client.error());
  auto const keys = client->keys({});
  if (!keys) return std::unexpected(keys.error());
  std::ranges::move(contradictions(findings.policies, *keys), std::back_inserter(findings.all));
  return {};
}

Exit run(Options const& options, Output& out) {
  Findings findings = check(options);
  if (options.against_state) {
    auto const compared = check_against_state(options, findings);
    if (!compared) return failed(out, compared.error());
  }
  if (options.format == Format::json) {
    out.json(diagnostics_json(findings.all));
  } else {
    out.data(diagnostics_table(findings.all, out.colour()));
  }
  std::size_t const errors = count(findings.all, Severity::error);
  std::size_t const warnings = count(findings.all, Severity::warning);
  if (errors + warnings > 0) out.words(diagnostics_counted(findings.all));
  if (any_unreadable(findings.all)) return Exit::error;
  return errors > 0 || (options.strict && warnings > 0) ? Exit::findings : Exit::well;
}

}  // namespace

void add_check(Commands const& commands) {
  auto const [command, options] = commands.add(
      "check",
      "Check policy files and configuration, without the daemon (exit 3: mistakes, 1: cannot be read)", run);
  command->add_flag("--against-state", options->against_state,
                    "Hold the policies against the keys that the daemon knows, too");
  command->add_option("--socket", options->socket, "The daemon's control socket, for --against-state")
      ->option_text("PATH");
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

// rekeyctl keys: every key the daemon knows, with its state.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

using daemon::KeyReport;

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::optional<std::string> provider, status, policy, name;
};

std::vector<std::string> status_names() {
  std::vector<std::string> names;
  for (int number = 0; *to_text(static_cast<KeyStatus>(number)) != '\0'; ++number) {
    names.emplace_back(to_text(static_cast<KeyStatus>(number)));
  }
  return names;
}

std::string versions_words(KeyReport const& key) {
  return key.versions_max ? fmt::format("{}/{}", key.versions, *key.versions_max)
                          : std::to_string(key.versions);
}

std::string type_words(KeyType const& type) {
  std::string const bits = type.bits == 0 ? "" : fmt::format("-{}", type.bits);
  return fmt::format("{}{} {}", to_text(type.algorithm), bits, to_text(type.protection));
}

std::string table_text(std::vector<KeyReport> const& keys, bool colour) {
  Table table({{"KEY"},
               {"NAME"},
               {"STATUS"},
               {"SINCE"},
               {"DUE"},
               {"NEXT TRY"},
               {"POLICY"},
               {"EVERY"},
               {"TYPE"},
               {"CURRENT SINCE"},
               {"BY PROVIDER"},
               {"VERSIONS", Column::Align::right},
               {"REASON"}});
  for (KeyReport const& k : keys) {
    table.add({k.key.text(), or_dash(k.name), Cell(status_words(k.verdict), style_of(k.verdict.status)),
               moment(k.verdict.since), moment(k.verdict.due), moment(k.verdict.next_try), or_dash(k.policy),
               k.every_months ? counted(static_cast<std::size_t>(*k.every_months), "month") : "-",
               type_words(k.type), moment(k.current_created), or_dash(k.provider_rotation), versions_words(k),
               or_dash(k.verdict.reason)});
  }
  return table.text(colour);
}

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  daemon::KeyFilter filter{
      .provider = options.provider, .status = std::nullopt, .policy = options.policy, .name = options.name};
  if (options.status) filter.status = parse_key_status(*options.status);
  auto const keys = client->keys(filter);
  if (!keys) return failed(out, keys.error());
  if (options.format == Format::json) {
    out.json(daemon::encode_keys(*keys));
  } else {
    out.data(table_text(*keys, out.colour()));
  }
  if (keys->empty()) out.words("no key matches");
  return Exit::well;
}

}  // namespace

void add_keys(Commands const& commands) {
  auto const [command, options] =
      commands.add("keys", "The keys that the daemon knows, with their states", run);
  command->add_option("name", options->name, "Only keys whose name, id or whole reference matches this glob")
      ->option_text("GLOB");
  command->add_option("--provider", options->provider, "Only keys of this provider instance")
      ->option_text("NAME");
  command->add_option("--status", options->status, "Only keys in this state")
      ->check(CLI::IsMember(status_names()))
      ->option_text("STATE");
  command->add_option("--policy", options->policy, "Only keys under this policy ('' for keys without)")
      ->option_text("NAME");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl

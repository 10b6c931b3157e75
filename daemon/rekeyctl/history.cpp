// rekeyctl history: what happened, why, by whom. Reads the database itself, so it works without the daemon
// and for auditors who may not ask it.
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/history_text.hpp"
#include "daemon/rekeyctl/wording.hpp"
#include "storage/read_only.hpp"

#include <fmt/format.h>

#include <charconv>
#include <deque>

namespace rekeyd::rekeyctl {

using storage::HistoryQuery;
using storage::RecordedEvent;

namespace {

constexpr std::size_t page = 1000;

struct Options {
  Format format{Format::table};
  std::string database, config;
  std::string key, policy, rotation, since, until, outcome, kind;
  std::string limit{std::to_string(page)};
};

std::optional<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return limit;
}

HistoryQuery query_of(Options const& options) {
  HistoryQuery query;
  query.limit = page;
  query.key = KeyRef::parse(options.key);
  if (!options.key.empty() && !query.key) query.key_text = options.key;
  if (!options.policy.empty()) query.policy = PolicyName(options.policy);
  if (!options.rotation.empty()) query.rotation = RotationId(options.rotation);
  if (!options.since.empty()) query.since = parse_moment(options.since);
  if (!options.until.empty()) query.until = parse_moment(options.until);
  if (!options.outcome.empty()) query.outcome = parse_event_outcome(options.outcome);
  if (!options.kind.empty()) query.kind = parse_event_kind(options.kind);
  return query;
}

struct Newest {
  std::deque<RecordedEvent> events;
  std::size_t left_out{};
};

/// The newest `limit` events (0: all) that match, oldest first.
Result<Newest> newest(storage::StoreReader& reader, HistoryQuery query, std::size_t limit) {
  Newest found;
  for (;;) {
    auto events = reader.history(query);
    if (!events) return std::unexpected(events.error());
    bool const last = events->size() < query.limit;
    if (!events->empty()) query.after_sequence = events->back().sequence;
    for (RecordedEvent& event : *events) found.events.push_back(std::move(event));
    while (limit != 0 && found.events.size() > limit) {
      found.events.pop_front();
      ++found.left_out;
    }
    if (last) return found;
  }
}

void print(std::vector<RecordedEvent> const& events, Format format, Output& out) {
  switch (format) {
    case Format::table:
      return out.data(history_table(events, out.colour()));
    case Format::json:
      return out.json(history_json(events));
    case Format::csv:
      return out.data(history_csv(events));
  }
}

Exit run(Options const& options, Output& out) {
  HistoryQuery const query = query_of(options);
  if (query.since && query.until && *query.until < *query.since) {
    out.words("--until lies before --since: no event can match");
    return Exit::usage;
  }
  auto const path = database(options.database, options.config, config::process_environment());
  if (!path) return failed(out, path.error());
  auto const reader = storage::open_read_only(*path);
  if (!reader) return failed(out, reader.error());
  auto found = newest(**reader, query, *parse_limit(options.limit));
  if (!found) return failed(out, found.error());
  if (found->events.empty()) out.words("no event matches");
  print({std::make_move_iterator(found->events.begin()), std::make_move_iterator(found->events.end())},
        options.format, out);
  if (found->left_out > 0) {
    out.words(fmt::format("{} left out; --limit 0 shows all", counted(found->left_out, "older event")));
  }
  return Exit::well;
}

std::string check_kind(std::string const& text) {
  return parse_event_kind(text) ? "" : fmt::format("no kind of event is called '{}'", text);
}

std::string check_limit(std::string const& text) {
  return parse_limit(text) ? "" : fmt::format("'{}' is not a number of events", text);
}

std::string check_outcome(std::string const& text) {
  return parse_event_outcome(text) ? "" : fmt::format("'{}' is none of ok, failed, held", text);
}

void add_filters(CLI::App& command, Options& options) {
  command.add_option("--key", options.key, "PROVIDER/VAULT/ID whole, else a part of it or of the key's name")
      ->option_text("KEY");
  command.add_option("--policy", options.policy, "Only under this policy")->option_text("NAME");
  command.add_option("--rotation", options.rotation, "Only of this rotation")->option_text("ID");
  command.add_option("--since", options.since, "From this date or time on (UTC)")
      ->check(CLI::Validator(check_moment, ""))
      ->option_text("DATE");
  command.add_option("--until", options.until, "Before this date or time (UTC)")
      ->check(CLI::Validator(check_moment, ""))
      ->option_text("DATE");
  command.add_option("--outcome", options.outcome, "Only ok, failed or held")
      ->check(CLI::Validator(check_outcome, ""))
      ->option_text("WORD");
  command.add_option("--kind", options.kind, "Only this kind of event: rotation_done, drift, ...")
      ->check(CLI::Validator(check_kind, ""))
      ->option_text("WORD");
  command.add_option("--limit", options.limit, "The newest so many; 0 for all")
      ->check(CLI::Validator(check_limit, ""))
      ->capture_default_str()
      ->option_text("N");
}

}  // namespace

void add_history(Commands const& commands) {
  auto const [command, options] = commands.add(
      "history", "What happened, why and by whom; reads the database, with or without the daemon", run);
  add_filters(*command, *options);
  command->add_option("--database", options->database, "The database (else by --config)")
      ->option_text("FILE");
  command
      ->add_option("--config", options->config,
                   fmt::format("The daemon's configuration (else {})", default_config))
      ->option_text("FILE");
  add_format(*command, options->format, true);
}

}  // namespace rekeyd::rekeyctl

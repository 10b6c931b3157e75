#include "storage/verify.hpp"

#include "policy/words.hpp"
#include "storage/history_chain.hpp"
#include "storage/read_only_connection.hpp"
#include "storage/schema.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace rekeyd::storage {

namespace {

constexpr auto kinds = words<FindingKind>({{FindingKind::event_altered, "event_altered"},
                                           {FindingKind::events_missing, "events_missing"},
                                           {FindingKind::head_missing, "head_missing"},
                                           {FindingKind::head_differs, "head_differs"},
                                           {FindingKind::schema_changed, "schema_changed"},
                                           {FindingKind::file_damaged, "file_damaged"},
                                           {FindingKind::reference_broken, "reference_broken"}});

/// An expected head with its hash as bytes.
struct Witness {
  std::int64_t sequence{};
  Digest hash{};
};

class Verification {
 public:
  Verification(Connection& connection, VerifyOptions const& options, std::optional<Witness> witness)
      : connection_(connection), options_(options), witness_(witness) {}

  VerifyReport run() {
    // One transaction: a daemon that goes on writing does not disturb the picture.
    SQLite::Transaction const together(connection_.database(), SQLite::TransactionBehavior::DEFERRED);
    examine("schema", [this] { check_schema_objects(); });
    examine("history", [this] { check_history(); });
    if (options_.whole_file) {
      examine("file", [this] { check_pages(); });
      examine("references", [this] { check_references(); });
    }
    return std::move(report_);
  }

 private:
  /// Damage that stops one examination is a finding of it, and the others go on.
  template <class Examination>
  void examine(char const* name, Examination&& examination) {
    try {
      examination();
    } catch (SQLite::Exception const& exception) {
      int const code = primary_code(exception);
      bool const damage = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
      if (!damage) throw;
      add(FindingKind::file_damaged, 0, fmt::format("examining the {} stopped: {}", name, exception.what()));
    }
  }

  void add(FindingKind kind, std::int64_t sequence, std::string what) {
    ++report_.findings_total;
    if (report_.findings.size() < options_.findings_max) {
      report_.findings.push_back({kind, sequence, std::move(what)});
    }
  }

  void check_schema_objects();
  void check_history();
  void check_event(ChainedEvent const& event, std::string_view stored_hash);
  void check_witness(std::int64_t sequence, Digest const& hash);
  void check_pages();
  void check_references();

  Connection& connection_;
  VerifyOptions const& options_;
  std::optional<Witness> witness_;
  VerifyReport report_;
  ChainHasher hash_;
  Digest previous_{chain_start};
};

void Verification::check_schema_objects() {
  std::vector<SchemaObject> const found = schema_of(connection_);
  std::vector<SchemaObject> const& expected = schema_expected(connection_.number("PRAGMA user_version"));
  auto const same_name = [](SchemaObject const& a) {
    return [&a](SchemaObject const& b) { return a.type == b.type && a.name == b.name; };
  };
  for (SchemaObject const& object : expected) {
    auto const there = std::ranges::find_if(found, same_name(object));
    if (there == found.end()) {
      add(FindingKind::schema_changed, 0, fmt::format("the {} {} is missing", object.type, object.name));
    } else if (there->sql != object.sql) {
      add(FindingKind::schema_changed, 0,
          fmt::format("the {} {} has been changed", object.type, object.name));
    }
  }
  for (SchemaObject const& object : found) {
    if (std::ranges::none_of(expected, same_name(object))) {
      add(FindingKind::schema_changed, 0, fmt::format("the {} {} is not rekeyd's", object.type, object.name));
    }
  }
}

/// The row's columns in the order of history_tables.cpp, without its hash.
ChainedEvent take_chained(Query& row) {
  ChainedEvent event;
  event.sequence = row.take<std::int64_t>();
  event.at = row.take<std::int64_t>();
  event.kind = row.take_view().value_or("");
  event.outcome = row.take_view().value_or("");
  event.provider = row.take_view();
  event.vault = row.take_view();
  event.key_id = row.take_view();
  event.version = row.take_view();
  event.policy = row.take_view().value_or("");
  event.rotation = row.take_view();
  event.step = row.take_view().value_or("");
  event.actor = row.take_view().value_or("");
  event.sentence = row.take_view().value_or("");
  event.error_code = row.take_view().value_or("");
  event.request_id = row.take_view().value_or("");
  event.details = row.take_view().value_or("");
  return event;
}

void Verification::check_history() {
  // NOT INDEXED: every column comes from the table itself, not from an index that could say something else.
  Query row = connection_.query(R"sql(
    SELECT sequence, at, kind, outcome, provider, vault, key_id, version, policy, rotation, step, actor,
      sentence, error_code, request_id, details, hash
    FROM history_events NOT INDEXED ORDER BY sequence)sql");
  while (row.next()) {
    ChainedEvent const event = take_chained(row);
    check_event(event, row.take_view().value_or(""));
  }
  report_.head_hash = to_hex(previous_);
  if (witness_ && witness_->sequence > report_.last_sequence) {
    add(FindingKind::head_missing, witness_->sequence,
        fmt::format("event {} was there when the expected head was noted; the history now ends with {}",
                    witness_->sequence, report_.last_sequence));
  }
}

void Verification::check_event(ChainedEvent const& event, std::string_view stored_hash) {
  std::int64_t const next = report_.last_sequence + 1;
  bool const gap = event.sequence != next;
  if (gap) {
    add(FindingKind::events_missing, next,
        event.sequence > next ? fmt::format("events {} to {} are missing", next, event.sequence - 1)
                              : fmt::format("event {} stands before the first", event.sequence));
  }
  Digest stored{};
  bool const has_hash = stored_hash.size() == stored.size();
  if (has_hash) std::copy(stored_hash.begin(), stored_hash.end(), stored.begin());
  // After a gap the hash before is unknown, and the gap has been reported already.
  if (!has_hash || (!gap && hash_(previous_, event) != stored)) {
    add(FindingKind::event_altered, event.sequence,
        fmt::format("event {} is not what was recorded: its row, its number or a hash has been changed",
                    event.sequence));
  }
  if (report_.events == 0) report_.first_sequence = event.sequence;
  ++report_.events;
  report_.last_sequence = event.sequence;
  previous_ = stored;
  check_witness(event.sequence, stored);
}

void Verification::check_witness(std::int64_t sequence, Digest const& hash) {
  if (!witness_ || witness_->sequence != sequence || witness_->hash == hash) return;
  add(FindingKind::head_differs, sequence,
      fmt::format("event {} has hash {}, and the expected head says {}: history was rewritten", sequence,
                  to_hex(hash), to_hex(witness_->hash)));
}

void Verification::check_pages() {
  Query row = connection_.query("PRAGMA integrity_check");
  while (row.next()) {
    auto line = row.take<std::string>();
    if (line != "ok") add(FindingKind::file_damaged, 0, std::move(line));
  }
}

void Verification::check_references() {
  Query row = connection_.query(
      R"sql(SELECT "table", "parent", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2)sql");
  while (row.next()) {
    auto const table = row.take<std::string>();
    auto const parent = row.take<std::string>();
    add(FindingKind::reference_broken, 0,
        fmt::format("{} row(s) of {} name a row of {} that is not there", row.take<std::int64_t>(), table,
                    parent));
  }
}

std::optional<Witness> witness_of(VerifyOptions const& options) {
  if (!options.expected_head || options.expected_head->sequence == 0) return std::nullopt;
  auto const hash = parse_digest(options.expected_head->hash);
  if (!hash || options.expected_head->sequence < 0) {
    refuse("the expected head is not a sequence number and 64 hex digits", "bad_head",
           "give both as an earlier verify printed them");
  }
  return Witness{options.expected_head->sequence, *hash};
}

}  // namespace

char const* to_text(FindingKind kind) { return kinds.word(kind); }

Result<VerifyReport> verify(std::filesystem::path const& path, VerifyOptions const& options) {
  return guarded(path.string(), "verify the database", [&] {
    auto const witness = witness_of(options);
    auto const connection = connect_read_only(path, options.vfs);
    return Verification(*connection, options, witness).run();
  });
}

}  // namespace rekeyd::storage

#include "storage/sqlite_store.hpp"

#include "storage/connection.hpp"
#include "storage/file_access.hpp"
#include "storage/reading.hpp"
#include "storage/schema.hpp"
#include "storage/soundness.hpp"
#include "storage/state_lock.hpp"
#include "storage/writing.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <mutex>

namespace rekeyd::storage {

namespace {

/// A base of its own, named first, so that the lock is given back after the connection has been closed.
struct Locked {
  StateLock held;
};

class SqliteStore final : private Locked, public SqliteReading<Store> {
 public:
  SqliteStore(StateLock lock, std::unique_ptr<Connection> opened)
      : Locked{std::move(lock)},
        SqliteReading<Store>(std::move(opened)),
        state_(connection()),
        history_(connection()),
        head_(read_head(connection())) {}

  ~SqliteStore() override {
    // Whoever copies or backs up the one file of a stopped daemon gets everything. A reader in the middle of
    // a query prevents it; then the -wal file keeps what it has, and nothing is lost.
    sqlite3_busy_timeout(connection().database().getHandle(), 100);
    sqlite3_wal_checkpoint_v2(connection().database().getHandle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                              nullptr, nullptr);
  }

  Result<void> commit(Change const& change) override {
    std::lock_guard const alone(one_at_a_time());
    return guarded(connection().where(), "record a change", [&] { write(change); });
  }

 private:
  void write(Change const& change) {
    SQLite::Transaction transaction(connection().database(), SQLite::TransactionBehavior::IMMEDIATE);
    if (read_head(connection()) != head_) {
      refuse("the history's newest event is not the one that rekeyd wrote last", "history_changed",
             "someone else writes to the database: find out who, run rekeyctl verify, then restart rekeyd");
    }
    state_.write(change);
    ChainHead const head = history_.append(head_, change.events);
    transaction.commit();
    head_ = head;
  }

  StateWriter state_;
  HistoryWriter history_;
  ChainHead head_;
};

void use_wal(Connection& connection) {
  std::string const mode = connection.text("PRAGMA journal_mode = WAL");
  if (mode != "wal") {
    refuse(fmt::format("its file system does not allow write-ahead logging (journal mode stays '{}')", mode),
           "no_wal", "keep the database on a local file system, not on a network share");
  }
  // 64 MiB: what one long query of an auditor lets the WAL grow to is given back afterwards.
  connection.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;");
}

std::unique_ptr<Connection> connect(OpenOptions const& options) {
  auto connection =
      std::make_unique<Connection>(options.path, Access::read_write, options.busy_timeout, options.vfs);
  if (check_schema(*connection) > 0) refuse_unsound(*connection);
  use_wal(*connection);
  if (options.pages_max) connection->execute(fmt::format("PRAGMA max_page_count = {}", *options.pages_max));
  migrate(*connection);
  // The first read makes the side files, which grant_reading() is waiting for.
  (void)read_head(*connection);
  return connection;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(OpenOptions options) {
  Result<StateLock> lock = StateLock::acquire(options.path);
  if (!lock) return std::unexpected(std::move(lock.error()));
  std::string const where = options.path.string();
  auto const whole = guarded(where, "open the database", [&] { refuse_torn_apart(options.path); });
  if (!whole) return std::unexpected(with_way_back(whole.error(), options.path));
  if (auto made = make_database_file(options.path, options.auditor_group); !made) {
    return std::unexpected(std::move(made.error()));
  }
  auto connection = guarded(where, "open the database", [&] { return connect(options); });
  if (!connection) return std::unexpected(with_way_back(std::move(connection.error()), options.path));
  if (auto granted = grant_reading(options.path, options.auditor_group); !granted) {
    return std::unexpected(std::move(granted.error()));
  }
  return guarded(where, "open the database", [&]() -> std::unique_ptr<Store> {
    return std::make_unique<SqliteStore>(std::move(*lock), std::move(*connection));
  });
}

std::optional<std::string> auditor_obstacle(std::filesystem::path const& database, gid_t readers) {
  return reading_obstacle(database, readers);
}

}  // namespace rekeyd::storage

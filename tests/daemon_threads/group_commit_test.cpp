#include "daemon/group_commit.hpp"

#include "storage/sqlite_store.hpp"
#include "storage/verify.hpp"
#include "tests/support/forwarding_store.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

namespace rekeyd {
namespace {

namespace asio = boost::asio;
using daemon::GroupCommit;

std::unique_ptr<storage::Store> real_store(std::filesystem::path const& database) {
  auto opened = storage::open_sqlite_store({.path = database});
  REQUIRE(opened);
  return *std::move(opened);
}

/// The real store, counting transactions.
class CountingStore final : public test::ForwardingStore {
 public:
  explicit CountingStore(std::filesystem::path const& database) : ForwardingStore(real_store(database)) {}
  Result<void> commit(storage::Change const& change) override {
    ++commits;
    return ForwardingStore::commit(change);
  }

  int commits{};
};

storage::Change said(std::string const& sentence) {
  HistoryEvent event;
  event.kind = EventKind::requested;
  event.actor = "a person";
  event.sentence = sentence;
  storage::Change change;
  change.events.push_back(std::move(event));
  return change;
}

/// A version of a key that nobody has stored.
storage::Change impossible() {
  storage::Change change = said("never");
  storage::StoredVersion version;
  version.key = {ProviderName("p"), VaultName("v"), KeyId("k")};
  version.version.id = VersionId("1");
  change.versions.push_back(std::move(version));
  return change;
}

struct Office {
  test::TemporaryFolder folder;
  CountingStore store{folder.path() / "rekeyd.db"};
  asio::io_context io{1};
  GroupCommit group{io.get_executor(), store};
  std::vector<Result<void>> outcomes;

  asio::awaitable<void> hand_in(storage::Change change) {
    Result<void> outcome = co_await group.commit(std::move(change));
    outcomes.push_back(std::move(outcome));
  }
  void spawn(storage::Change change) { asio::co_spawn(io, hand_in(std::move(change)), asio::detached); }
  std::vector<std::string> history() {
    std::vector<std::string> sentences;
    auto const events = store.history({});
    REQUIRE(events);
    for (auto const& recorded : *events) sentences.push_back(recorded.event.sentence);
    return sentences;
  }
};

TEST_CASE("changes of one turn of the loop become one transaction, in the order of their callers") {
  Office office;
  for (char const* sentence : {"one", "two", "three"}) office.spawn(said(sentence));
  test::run_ready(office.io);
  CHECK(office.outcomes.size() == 3);
  CHECK(office.store.commits == 1);
  CHECK(office.history() == std::vector<std::string>{"one", "two", "three"});

  office.spawn(said("four"));
  test::run_ready(office.io);
  CHECK(office.store.commits == 2);
  CHECK(office.history().back() == "four");
}

TEST_CASE("nobody goes on before his change is durable") {
  Office office;
  office.spawn(said("one"));
  while (office.outcomes.empty()) {
    REQUIRE(office.io.run_one() == 1);
    if (!office.outcomes.empty()) CHECK(office.history() == std::vector<std::string>{"one"});
  }
}

TEST_CASE("a change that the store refuses spoils no other") {
  Office office;
  office.spawn(said("one"));
  office.spawn(impossible());
  office.spawn(said("two"));
  test::run_ready(office.io);
  REQUIRE(office.outcomes.size() == 3);
  CHECK(office.outcomes[0]);
  REQUIRE_FALSE(office.outcomes[1]);
  CHECK(office.outcomes[1].error().code == "unknown_key");
  CHECK(office.outcomes[2]);
  CHECK(office.history() == std::vector<std::string>{"one", "two"});
}

TEST_CASE("what a cancelled caller has handed in becomes durable, and he hears of it") {
  Office office;
  asio::cancellation_signal signal;
  asio::co_spawn(office.io, office.hand_in(said("one")),
                 asio::bind_cancellation_slot(signal.slot(), asio::detached));
  REQUIRE(office.io.poll_one() == 1);  // it has handed in, and waits
  CHECK(office.outcomes.empty());
  signal.emit(asio::cancellation_type::terminal);
  test::run_ready(office.io);
  REQUIRE(office.outcomes.size() == 1);
  CHECK(office.outcomes[0]);
  CHECK(office.history() == std::vector<std::string>{"one"});
}

/// A store in which a commit stays under way until it is let go on.
class HeldStore final : public test::ForwardingStore {
 public:
  explicit HeldStore(std::filesystem::path const& database) : ForwardingStore(real_store(database)) {}
  Result<void> commit(storage::Change const& change) override {
    ++commits;
    begun.release();
    go_on.acquire();
    return ForwardingStore::commit(change);
  }

  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> go_on{0};
  std::atomic<int> commits{};
};

TEST_CASE(
    "with a thread the loop goes on while a commit is under way, and what comes meanwhile is the next one") {
  test::TemporaryFolder folder;
  HeldStore store(folder.path() / "rekeyd.db");
  asio::io_context io(1);
  asio::thread_pool thread(1);
  GroupCommit group(io.get_executor(), store, &thread);
  std::vector<std::string> durable;
  auto const hand_in = [](GroupCommit& to, std::string sentence,
                          std::vector<std::string>& into) -> asio::awaitable<void> {
    Result<void> const outcome = co_await to.commit(said(sentence));
    if (outcome) into.push_back(sentence);
  };
  asio::co_spawn(io, hand_in(group, "one", durable), asio::detached);
  io.poll();
  store.begun.acquire();
  for (char const* sentence : {"two", "three"}) {
    asio::co_spawn(io, hand_in(group, sentence, durable), asio::detached);
  }
  io.poll();
  CHECK(durable.empty());
  CHECK(store.commits == 1);
  store.go_on.release(2);
  io.run();
  CHECK(durable == std::vector<std::string>{"one", "two", "three"});
  CHECK(store.commits == 2);
}

TEST_CASE("the loop reads and records while the thread commits, and the chain has every event once") {
  constexpr std::int64_t each = 40;
  test::TemporaryFolder folder;
  auto const store = real_store(folder.path() / "rekeyd.db");
  asio::io_context io(1);
  asio::thread_pool thread(1);
  GroupCommit group(io.get_executor(), *store, &thread);
  int durable = 0;
  auto const hand_in = [](GroupCommit& to, int& count) -> asio::awaitable<void> {
    for (int i = 0; i < each; ++i) {
      Result<void> const outcome = co_await to.commit(said("of a rotation"));
      if (outcome) ++count;
    }
  };
  auto const beside = [](storage::Store& in, int& count) -> asio::awaitable<void> {
    for (int i = 0; i < each; ++i) {
      if (in.commit(said("of the inventory")) && in.history({})) ++count;
      co_await asio::post(asio::use_awaitable);
    }
  };
  for (int i = 0; i < 4; ++i) asio::co_spawn(io, hand_in(group, durable), asio::detached);
  asio::co_spawn(io, beside(*store, durable), asio::detached);
  io.run();
  CHECK(durable == 5 * each);
  auto const report = storage::verify(folder.path() / "rekeyd.db");
  REQUIRE(report);
  CHECK(report->findings.empty());
  CHECK(report->events >= 5 * each);
}

TEST_CASE("an exception of a commit on the thread comes out of the loop") {
  class ThrowingStore final : public test::ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    Result<void> commit(storage::Change const&) override { throw std::logic_error("a defect"); }
  };
  test::TemporaryFolder folder;
  ThrowingStore store(real_store(folder.path() / "rekeyd.db"));
  asio::io_context io(1);
  asio::thread_pool thread(1);
  GroupCommit group(io.get_executor(), store, &thread);
  asio::co_spawn(io, group.commit(said("one")), asio::detached);
  CHECK_THROWS_AS(io.run(), std::logic_error);
}

TEST_CASE("a loop that is torn down in the middle leaves nothing behind") {
  test::TemporaryFolder folder;
  CountingStore store(folder.path() / "rekeyd.db");
  auto io = std::make_unique<asio::io_context>(1);
  GroupCommit group(io->get_executor(), store);
  asio::co_spawn(*io, group.commit(said("one")), asio::detached);
  REQUIRE(io->poll_one() == 1);
  io.reset();
  CHECK(store.commits == 0);
}

}  // namespace
}  // namespace rekeyd

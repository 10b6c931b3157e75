#include "daemon/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

namespace asio = boost::asio;
using rekeyd::daemon::TaskGroup;

namespace {

asio::awaitable<void> mark(bool& began) {
  began = true;
  co_return;
}

asio::awaitable<void> cancel_and_end(TaskGroup& group) {
  group.cancel();
  co_return;
}

asio::awaitable<void> wait_for_ever(rekeyd::daemon::Bell& never) { co_await never.wait(never.rings()); }

TEST_CASE("a task that is cancelled before its first step never begins, and is over") {
  asio::io_context io;
  TaskGroup group(io.get_executor());
  bool began = false;
  group.spawn(mark(began), "marks");
  group.cancel();
  REQUIRE_NOTHROW(io.run());
  CHECK_FALSE(began);
  CHECK(group.empty());
}

TEST_CASE("a task that cancels its own group and waits for nothing ends like any other") {
  asio::io_context io;
  TaskGroup group(io.get_executor());
  group.spawn(cancel_and_end(group), "cancels its own group");
  REQUIRE_NOTHROW(io.run());
  CHECK(group.empty());
}

TEST_CASE("a task that waits is ended by a cancellation") {
  asio::io_context io;
  TaskGroup group(io.get_executor());
  rekeyd::daemon::Bell never;
  group.spawn(wait_for_ever(never), "waits for ever");
  asio::post(io, [&] { group.cancel(); });
  REQUIRE_NOTHROW(io.run());
  CHECK(group.empty());
}

}  // namespace

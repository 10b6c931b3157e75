#include "daemon/scheduler.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

// Bounds how long a clock that somebody set forward goes unnoticed.
constexpr auto longest_sleep = std::chrono::minutes(5);
constexpr auto rest_after_storage_trouble = std::chrono::seconds(60);

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

std::optional<Instant> first_of(Fleet::Index const& index) {
  if (index.empty()) return std::nullopt;
  return index.begin()->first;
}

}  // namespace

Scheduler::Scheduler(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop,
                     config::RotationSettings const& settings, RotationQuota quota)
    : world_(world),
      fleet_(fleet),
      rotator_(rotator),
      stop_(stop),
      settings_(settings),
      quota_(std::move(quota)),
      rotations_(world.executor) {}

asio::awaitable<void> Scheduler::run() {
  while (!stop_.requested) {
    auto const rings = bell_.rings();
    start_what_is_due();
    co_await sleep_until_needed(rings);
  }
  co_await rotations_.joined();
}

void Scheduler::wake() { bell_.ring(); }

void Scheduler::began_on_request() {
  quota_.begin(world_.clock.wall_now());
  wake();
}

std::optional<Instant> Scheduler::quota_free_at() { return quota_.free_at(world_.clock.wall_now()); }

void Scheduler::start_what_is_due() {
  Instant const now = world_.clock.wall_now();
  if (storage_rest_until_ && now < *storage_rest_until_) return;
  storage_rest_until_.reset();
  storage_trouble_.clear();
  continue_open_rotations(now);
  begin_due_rotations(now);
}

void Scheduler::continue_open_rotations(Instant now) {
  while (!full() && !fleet_.to_continue().empty() && fleet_.to_continue().begin()->first <= now) {
    KeyRef const key = fleet_.to_continue().begin()->second;
    carry_on(key);
  }
}

void Scheduler::begin_due_rotations(Instant now) {
  while (!full() && !fleet_.to_begin().empty() && fleet_.to_begin().begin()->first <= now) {
    TrackedKey& key = *fleet_.find(fleet_.to_begin().begin()->second);
    Verdict const said = fleet_.verdict(key);
    if (!may_begin(said)) {
      fleet_.look_anew(key);
      continue;
    }
    if (quota_.free_at(now)) return;
    Result<RotationId> const opened = rotator_.open(key, Trigger::cryptoperiod, "policy", said.sentence);
    if (!opened) {
      storage_trouble_ = "no rotation begins: " + to_text(opened.error());
      spdlog::error("{}", storage_trouble_);
      storage_rest_until_ = now + rest_after_storage_trouble;
      return;
    }
    quota_.begin(now);
    carry_on(key.stored.key.ref);
  }
}

/// Takes the key out of the index before the coroutine first runs, so that it is not started twice.
void Scheduler::carry_on(KeyRef const& key) {
  TrackedKey& tracked = *fleet_.find(key);
  tracked.running = true;
  fleet_.look_anew(tracked);
  rotations_.spawn(rotation_task(key), "rotation of " + key.text());
}

asio::awaitable<void> Scheduler::rotation_task(KeyRef key) {
  co_await rotator_.carry_on(std::move(key));
  wake();
}

std::optional<Instant> Scheduler::next_look(Instant now) {
  if (storage_rest_until_) return storage_rest_until_;
  if (full()) return std::nullopt;  // the next ending rings the bell
  std::optional<Instant> begin = first_of(fleet_.to_begin());
  if (begin && *begin <= now) begin = quota_.free_at(now).value_or(now);
  return earlier(first_of(fleet_.to_continue()), begin);
}

asio::awaitable<void> Scheduler::sleep_until_needed(std::uint64_t rings) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  Instant const now = world_.clock.wall_now();
  std::chrono::seconds delay = longest_sleep;
  if (auto const next = next_look(now))
    delay = std::clamp<std::chrono::seconds>(*next - now, std::chrono::seconds(0), longest_sleep);
  auto const until = world_.clock.mono_now() + delay;
  co_await (world_.clock.sleep_until(until) || bell_.wait(rings));
}

}  // namespace rekeyd::daemon

#include "daemon/scheduler.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

// A clock that is set, and a host that wakes up, are told of at once (Clock::clock_set). This bounds what a
// system costs that does not tell: a look an hour.
constexpr std::chrono::seconds longest_sleep = std::chrono::hours(1);
constexpr auto rest_after_storage_trouble = std::chrono::seconds(60);

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

/// The key that has waited longest, of the lanes that are `open`; nothing if none of them has one whose time
/// has come.
std::optional<KeyRef> first_ready(Fleet::Index const& lanes, Instant now,
                                  std::function<bool(Lane const&)> const& open) {
  std::pair<Instant, KeyRef> const* first = nullptr;
  for (auto const& [lane, keys] : lanes) {
    std::pair<Instant, KeyRef> const& candidate = *keys.begin();
    bool const sooner = candidate.first <= now && (first == nullptr || candidate < *first);
    if (sooner && open(lane)) first = &candidate;
  }
  if (first == nullptr) return std::nullopt;
  return first->second;
}

}  // namespace

Scheduler::Scheduler(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop, Brakes& brakes)
    : world_(world),
      fleet_(fleet),
      rotator_(rotator),
      stop_(stop),
      brakes_(brakes),
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

void Scheduler::began_on_request(TrackedKey const& key) {
  brakes_.began_on_request(Fleet::lane_of(key));
  wake();
}

void Scheduler::start_what_is_due() {
  brakes_.clock().look();
  if (storage_rest_until_ && world_.clock.mono_now() < *storage_rest_until_) return;
  storage_rest_until_.reset();
  storage_trouble_.clear();
  Instant const now = world_.clock.wall_now();
  continue_open_rotations(now);
  begin_due_rotations(now);
}

/// An unfinished rotation goes on whatever is held: half-way is the worst place to stop. Only the places for
/// rotations at once count.
void Scheduler::continue_open_rotations(Instant now) {
  auto const has_place = [this](Lane const& lane) { return !brakes_.in_flight_full(lane); };
  while (auto const key = first_ready(fleet_.to_continue(), now, has_place)) carry_on(*key);
}

void Scheduler::begin_due_rotations(Instant now) {
  auto const not_braked = [this](Lane const& lane) { return !brakes_.braked(lane).has_value(); };
  while (auto const ref = first_ready(fleet_.to_begin(), now, not_braked)) {
    TrackedKey& key = *fleet_.find(*ref);
    Verdict const said = fleet_.verdict(key);
    if (!may_begin(said)) {
      fleet_.look_anew(key);
      continue;
    }
    begin(key, said);
  }
}

/// What begins together goes on record together.
void Scheduler::begin(TrackedKey& key, Verdict const& why) {
  Rotation const& proposed = rotator_.propose(key, why.sentence);
  brakes_.began_by_schedule(proposed);
  rotations_.spawn(new_rotation(proposed, take_in_hand(key)), "rotation of " + proposed.key.text());
}

void Scheduler::carry_on(KeyRef const& key) {
  rotations_.spawn(open_rotation(key, take_in_hand(*fleet_.find(key))), "rotation of " + key.text());
}

/// Takes the key out of the index before the coroutine first runs, so that it is not started twice.
Scheduler::Place Scheduler::take_in_hand(TrackedKey& key) {
  key.running = true;
  auto place = std::make_unique<RotationCaps::Place>(brakes_.caps(), Fleet::lane_of(key));
  fleet_.look_anew(key);
  return place;
}

asio::awaitable<void> Scheduler::new_rotation(Rotation proposed, Place place) {
  Result<void> const on_record = co_await rotator_.begin(proposed.key);
  if (!on_record) {
    brakes_.did_not_begin(proposed);
    not_on_record(on_record.error());
  }
  place.reset();
  wake();
}

asio::awaitable<void> Scheduler::open_rotation(KeyRef key, Place place) {
  co_await rotator_.carry_on(std::move(key));
  place.reset();
  wake();
}

/// The disk refused.
void Scheduler::not_on_record(Error const& error) {
  storage_trouble_ = "no rotation begins: " + to_text(error);
  spdlog::error("{}", storage_trouble_);
  storage_rest_until_ = world_.clock.mono_now() + rest_after_storage_trouble;
}

std::optional<Instant> Scheduler::next_look(Instant now) {
  std::optional<Instant> next;
  for (auto const& [lane, keys] : fleet_.to_continue()) {
    // Where all places are taken the next ending rings the bell.
    if (!brakes_.in_flight_full(lane)) next = earlier(next, keys.begin()->first);
  }
  for (auto const& [lane, keys] : fleet_.to_begin()) {
    Instant const first = keys.begin()->first;
    if (first > now) {
      next = earlier(next, first);
    } else if (auto const held = brakes_.braked(lane)) {
      next = earlier(next, held->next_try);
    } else {
      next = now;
    }
  }
  return next;
}

asio::awaitable<void> Scheduler::sleep_until_needed(std::uint64_t rings) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  Instant const now = world_.clock.wall_now();
  auto until = world_.clock.mono_now() + longest_sleep;
  if (storage_rest_until_) {
    until = *storage_rest_until_;
  } else if (auto const next = next_look(now)) {
    until = world_.clock.mono_now() + std::clamp(*next - now, std::chrono::seconds(0), longest_sleep);
  }
  co_await (world_.clock.sleep_until(until) || bell_.wait(rings));
}

}  // namespace rekeyd::daemon

#include "daemon/clock_watch.hpp"

#include "policy/brakes.hpp"

#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using std::chrono::seconds;

namespace {

constexpr int agreeing_answers = 3;
// A question is a page of a list for each provider. What is to be noticed at once is noticed: a setting of
// the clock. What is not, a clock that is slewed or a provider's that is mended, is noticed after a tenth of
// the time that it has lasted.
constexpr auto shortest_pause = std::chrono::minutes(1);
constexpr auto longest_pause = std::chrono::hours(1);
constexpr int pauses_since_news = 10;
constexpr auto answer_patience = std::chrono::seconds(50);
constexpr seconds worth_a_line{2};

/// A `Date` is cut to whole seconds, and so is our reading of the wall.
constexpr seconds rounding{2};

std::string span_text(seconds span) {
  auto const size = std::chrono::abs(span);
  if (size >= std::chrono::hours(48)) return fmt::format("{} days", size / std::chrono::hours(24));
  if (size >= std::chrono::hours(2)) return fmt::format("{} hours", size / std::chrono::hours(1));
  if (size >= std::chrono::minutes(2)) return fmt::format("{} minutes", size / std::chrono::minutes(1));
  return fmt::format("{} seconds", size.count());
}

/// `offset`: the other's time minus the machine's.
std::string machine_is(seconds offset) {
  return fmt::format("{} {}", span_text(offset), offset > seconds(0) ? "slow" : "fast");
}

seconds uncertainty_of(providers::DateReading const& reading) {
  return std::chrono::ceil<seconds>(reading.half_trip) + rounding;
}

Hold hold_of(HoldKind kind, BrakeScope scope, std::string sentence, seconds difference) {
  Hold hold;
  hold.kind = kind;
  hold.scope = std::move(scope);
  hold.sentence = std::move(sentence);
  hold.details["difference_s"] = std::to_string(difference.count());
  return hold;
}

}  // namespace

ClockWatch::ClockWatch(World& world, Holds& holds)
    : world_(world),
      holds_(holds),
      wall_(world.clock.wall_now()),
      boot_(world.clock.boot_now()),
      news_(world.clock.mono_now()) {
  for (auto const& [name, instance] : world_.providers) {
    witnesses_[name];
    instance->api->when_date_is_read(
        [this, provider = name](providers::DateReading const& reading) { hear(provider, reading); });
  }
}

Result<void> ClockWatch::compare_with_history() {
  storage::HistoryQuery newest;
  newest.newest_first = true;
  newest.limit = 1;
  auto const events = world_.store.history(newest);
  if (!events) return std::unexpected(events.error());
  if (events->empty()) return {};
  auto const behind = events->front().event.at - world_.clock.wall_now();
  if (behind <= clock_tolerance) return {};
  holds_.place(hold_of(
      HoldKind::clock_stepped, BrakeScope::everything(),
      fmt::format("the machine's clock lies {} before the newest event of the history", span_text(behind)),
      behind));
  return {};
}

void ClockWatch::look() {
  holds_.catch_up();
  Instant const wall = world_.clock.wall_now();
  auto const boot = world_.clock.boot_now();
  auto const by = wall - wall_ - std::chrono::round<seconds>(boot - boot_);
  wall_ = wall;
  boot_ = boot;
  if (std::chrono::abs(by) >= worth_a_line) stepped(by);
}

void ClockWatch::stepped(seconds by) {
  char const* const direction = by > seconds(0) ? "forward" : "back";
  spdlog::warn("the machine's clock was set {} by {}", direction, span_text(by));
  news_ = world_.clock.mono_now();
  if (std::chrono::abs(by) <= clock_tolerance) {
    reconsider();
    return;
  }
  agreeing_in_a_row_ = 0;
  for (auto& [name, witness] : witnesses_) {
    witness.opinion = Opinion::unheard;
    witness.agreeing = 0;
  }
  holds_.place(hold_of(HoldKind::clock_stepped, BrakeScope::everything(),
                       fmt::format("the machine's clock was set {} by {}", direction, span_text(by)), by));
}

/// Steps that are harmless one by one may not be so together: what the providers said, carried on, tells.
void ClockWatch::reconsider() {
  bool any_differs = false;
  for (auto& [name, witness] : witnesses_) {
    if (!witness.reading) continue;
    seconds const offset = clock_offset(*witness.reading, world_.clock);
    bool const differs = clocks_disagree(offset, uncertainty_of(*witness.reading));
    if (!differs || is_accepted(name, offset)) continue;
    witness.opinion = Opinion::differs;
    witness.agreeing = 0;
    agreeing_in_a_row_ = 0;
    any_differs = true;
  }
  if (any_differs) judge();
}

bool ClockWatch::checked(ProviderName const& provider) const {
  auto const found = witnesses_.find(provider);
  return found != witnesses_.end() && found->second.reading.has_value();
}

std::optional<seconds> ClockWatch::difference(BrakeScope const& scope) const {
  std::optional<seconds> largest;
  for (auto const& [name, witness] : witnesses_) {
    if (!witness.reading || !scope.covers(name, {})) continue;
    seconds const offset = clock_offset(*witness.reading, world_.clock);
    if (!largest || std::chrono::abs(offset) > std::chrono::abs(*largest)) largest = offset;
  }
  return largest;
}

bool ClockWatch::is_accepted(ProviderName const& provider, seconds offset) const {
  return std::ranges::any_of(holds_.accepted(), [&](Hold const& hold) {
    return hold.accepted_offset && hold.scope.covers(provider, {}) &&
           !clocks_disagree(offset - *hold.accepted_offset, rounding);
  });
}

bool ClockWatch::any_hold_of_clock() const {
  return std::ranges::any_of(holds_.in_force(), is_of_clock, &Hold::kind);
}

bool ClockWatch::held_alone(ProviderName const& provider) const {
  return holds_.find(HoldKind::clock_disagrees, BrakeScope::of(provider)) != nullptr;
}

void ClockWatch::hear(ProviderName const& provider, providers::DateReading const& reading) {
  look();
  Witness& witness = witnesses_[provider];
  witness.reading = reading;
  seconds const offset = clock_offset(reading, world_.clock);
  bool const differs = clocks_disagree(offset, uncertainty_of(reading));
  if (differs && is_accepted(provider, offset)) {
    agreeing_in_a_row_ = 0;
    return;
  }
  Opinion const before = std::exchange(witness.opinion, differs ? Opinion::differs : Opinion::agrees);
  if (witness.opinion != before) news_ = world_.clock.mono_now();
  witness.agreeing = differs ? 0 : witness.agreeing + 1;
  if (!held_alone(provider)) agreeing_in_a_row_ = differs ? 0 : agreeing_in_a_row_ + 1;
  if (!differs) holds_.forget_accepted(BrakeScope::of(provider));
  if (agreeing_in_a_row_ >= agreeing_answers) holds_.forget_accepted(BrakeScope::everything());
  if (differs || any_hold_of_clock()) judge();
}

void ClockWatch::judge() {
  std::vector<ProviderName> differing;
  bool any_agrees = false;
  for (auto const& [name, witness] : witnesses_) {
    if (witness.opinion == Opinion::differs) differing.push_back(name);
    any_agrees = any_agrees || witness.opinion == Opinion::agrees;
  }
  bool const all_held = std::ranges::any_of(holds_.in_force(), [](Hold const& hold) {
    return is_of_clock(hold.kind) && hold.scope.kind == BrakeScope::Kind::everything;
  });
  // While everything is held, one that differs from the machine and from another provider is in the wrong by
  // itself, and must not keep the others held.
  if (!all_held || any_agrees) judge_differing(differing);
  let_go_what_is_over();
}

void ClockWatch::judge_differing(std::vector<ProviderName> const& differing) {
  for (ProviderName const& name : differing) {
    seconds const offset = clock_offset(*witnesses_[name].reading, world_.clock);
    auto const second = std::ranges::find_if(differing, [&](ProviderName const& other) {
      return other != name &&
             !clocks_disagree(clock_offset(*witnesses_[other].reading, world_.clock) - offset, rounding);
    });
    if (second != differing.end()) {
      holds_.place(hold_of(HoldKind::clock_disagrees, BrakeScope::everything(),
                           fmt::format("the machine's clock is {} by what providers {} and {} say",
                                       machine_is(offset), name.str(), second->str()),
                           offset));
      return;
    }
  }
  for (ProviderName const& name : differing) {
    if (held_alone(name)) continue;
    seconds const offset = clock_offset(*witnesses_[name].reading, world_.clock);
    holds_.place(hold_of(
        HoldKind::clock_disagrees, BrakeScope::of(name),
        fmt::format("the machine's clock is {} by what provider {} says", machine_is(offset), name.str()),
        offset));
  }
}

void ClockWatch::let_go_what_is_over() {
  std::string const why = fmt::format("{} answers in a row agree with the machine's clock", agreeing_answers);
  for (auto const& [name, witness] : witnesses_) {
    if (witness.agreeing >= agreeing_answers)
      holds_.let_go(HoldKind::clock_disagrees, BrakeScope::of(name), why);
  }
  if (agreeing_in_a_row_ < agreeing_answers) return;
  holds_.let_go(HoldKind::clock_stepped, BrakeScope::everything(), why);
  holds_.let_go(HoldKind::clock_disagrees, BrakeScope::everything(), why);
}

asio::awaitable<void> ClockWatch::notice_settings(std::function<void()> then) {
  for (;;) {
    co_await world_.clock.clock_set();
    look();
    then();
  }
}

asio::awaitable<void> ClockWatch::ask_the_time() {
  for (;;) {
    auto const rings = bell_.rings();
    if (!any_hold_of_clock()) {
      asked_.reset();
      co_await bell_.wait(rings);
      news_ = world_.clock.mono_now();
      continue;
    }
    if (worth_asking()) {
      for (auto const& [name, instance] : world_.providers) co_await ask(name);
      asked_ = world_.clock.mono_now();
    }
    auto const next = world_.clock.mono_now() + shortest_pause;
    co_await world_.clock.sleep_until(next);
  }
}

bool ClockWatch::worth_asking() const {
  if (!asked_) return true;
  auto const now = world_.clock.mono_now();
  auto const pause = std::clamp<providers::Clock::Mono::duration>((now - news_) / pauses_since_news,
                                                                  shortest_pause, longest_pause);
  return now - *asked_ >= pause;
}

/// Any answer tells the time; the first page of a list is one that every provider gives. What it says
/// otherwise, a refusal included, is the inventory's business.
asio::awaitable<void> ClockWatch::ask(ProviderName provider) {
  providers::KmsProvider& kms = *world_.provider(provider)->kms;
  std::vector<VaultName> const vaults = kms.vaults();
  if (vaults.empty()) co_return;
  auto const deadline = world_.clock.mono_now() + answer_patience;
  std::string const from_the_start;
  (void)co_await kms.list_keys(vaults.front(), from_the_start, deadline);
}

}  // namespace rekeyd::daemon

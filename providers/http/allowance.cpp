#include "providers/http/allowance.hpp"

#include <algorithm>
#include <cmath>

namespace rekeyd::providers {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr double factor_min = 1.0 / 16;
constexpr double recovery = 1.25;
constexpr auto recovery_every = 30s;
/// Refusals within this time are of one overload.
constexpr auto one_overload = 10s;
/// What was spent is remembered in so many slices of a window, its end rounded up.
constexpr int slices = 400;

Clock::Mono::duration as_duration(double seconds) {
  // One tick more than computed: rounding down would make the waiter wake just too early, again and again.
  return std::chrono::duration_cast<Clock::Mono::duration>(Seconds(seconds)) + Clock::Mono::duration(1);
}

}  // namespace

Allowance::Allowance(PublishedLimit const& limit, unsigned percent, Mono now)
    : limit_(limit), percent_(std::max(1U, percent)), factor_since_(now), even_from_(now), held_until_(now) {}

std::int64_t Allowance::capacity() const {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::floor(static_cast<double>(limit_.units) * share())));
}

double Allowance::in_hand() const {
  constexpr double of_a_window = 1.0 / 20;
  auto const all = static_cast<double>(limit_.units) * share();
  return std::max(1.0, limit_.kind == PublishedLimit::Kind::window ? all * of_a_window : all);
}

double Allowance::per_second() const {
  return static_cast<double>(limit_.refill) * share() / Seconds(limit_.within).count();
}

Allowance::Mono::duration Allowance::time_of(double units) const { return as_duration(units / per_second()); }

Allowance::Mono Allowance::even_at(Mono now, std::int64_t cost) const {
  auto const units = static_cast<double>(cost);
  auto const from = std::max(even_from_, now);
  return std::max(now, from + time_of(units) - time_of(std::max(units, in_hand())));
}

void Allowance::forget_spent(Mono now) {
  while (!spent_.empty() && spent_.front().until <= now) {
    spent_units_ -= spent_.front().units;
    spent_.pop_front();
  }
}

Allowance::Mono Allowance::room_at(Mono now, std::int64_t cost) {
  if (limit_.kind == PublishedLimit::Kind::bucket) return now;
  forget_spent(now);
  std::int64_t too_much = under_way_ + spent_units_ + cost - std::max(capacity(), cost);
  auto ready = now;
  for (auto spent = spent_.begin(); too_much > 0; ++spent) {
    if (spent == spent_.end()) return Mono::max();
    too_much -= spent->units;
    ready = spent->until;
  }
  return ready;
}

Allowance::Mono Allowance::ready_at(Mono now, std::int64_t cost) {
  recover(now);
  if (held_until_ > now) return held_until_;
  return std::max(even_at(now, cost), room_at(now, cost));
}

void Allowance::start(Mono now, std::int64_t cost) {
  under_way_ += cost;
  even_from_ = std::max(even_from_, now) + time_of(static_cast<double>(cost));
}

void Allowance::answered(Mono now, std::int64_t cost) {
  under_way_ -= cost;
  if (limit_.kind == PublishedLimit::Kind::bucket) return;
  forget_spent(now);
  auto const slice = std::chrono::duration_cast<Mono::duration>(limit_.within) / slices;
  auto const until = Mono(((now + limit_.within).time_since_epoch() / slice + 1) * slice);
  if (spent_.empty() || spent_.back().until < until) spent_.push_back({until, 0});
  spent_.back().units += cost;
  spent_units_ += cost;
}

void Allowance::add(Mono now, std::int64_t cost) {
  if (cost <= 0) return;
  start(now, cost);
  answered(now, cost);
}

void Allowance::told(Mono now, std::int64_t remaining) {
  // The service has not seen yet what is under way.
  double const of_others = static_cast<double>(limit_.units) - in_hand();
  double const left = static_cast<double>(remaining - under_way_) - std::max(0.0, of_others);
  double const used = in_hand() - std::clamp(left, 0.0, in_hand());
  even_from_ = std::max(even_from_, now + time_of(used));
}

void Allowance::hold(Mono until) { held_until_ = std::max(held_until_, until); }

void Allowance::refused(Mono now, Mono until) {
  recover(now);
  if (factor_ == 1 || now - factor_since_ >= one_overload) {
    factor_ = std::max(factor_min, factor_ / 2);
    factor_since_ = now;
  }
  hold(until);
  // A service that said "too much" does not get a heap as its first greeting.
  even_from_ = std::max(even_from_, std::max(now, until) + time_of(in_hand() - 1));
}

void Allowance::recover(Mono now) {
  while (factor_ < 1 && now - factor_since_ >= recovery_every) {
    factor_ = std::min(1.0, factor_ * recovery);
    factor_since_ += recovery_every;
  }
}

bool Allowance::idle(Mono now) {
  recover(now);
  forget_spent(now);
  return under_way_ == 0 && spent_.empty() && even_from_ <= now && held_until_ <= now && factor_ == 1;
}

void Allowance::lower_share(unsigned percent) { percent_ = std::clamp(percent, 1U, percent_); }

}  // namespace rekeyd::providers

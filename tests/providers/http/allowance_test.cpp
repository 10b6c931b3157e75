#include "providers/http/allowance.hpp"

#include "tests/support/seeded_random.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <vector>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;

namespace {

using Mono = Clock::Mono;

Mono const start{std::chrono::hours(7)};

/// What a service counts: when, and how many units.
struct Counted {
  Mono at;
  std::int64_t units;
};

/// The most that any stretch of `within`, wherever it begins, holds.
std::int64_t fullest(std::vector<Counted> all, Mono::duration within) {
  std::ranges::sort(all, {}, &Counted::at);
  std::int64_t most = 0;
  std::int64_t inside = 0;
  for (std::size_t from = 0, to = 0; to < all.size(); ++to) {
    inside += all[to].units;
    while (all[to].at - all[from].at >= within) inside -= all[from++].units;
    most = std::max(most, inside);
  }
  return most;
}

/// A client with `at_once` requests under way at most, who sends as soon as it may. Each is counted at some
/// moment between its sending and its answer.
struct Client {
  Allowance& allowance;
  test::SeededRandom random{11};
  std::size_t at_once{32};
  std::vector<std::int64_t> costs{1};
  Mono::duration longest_trip{400ms};

  Mono::duration part_of(Mono::duration whole) {
    return std::chrono::duration_cast<Mono::duration>(whole * random.unit());
  }

  std::vector<Counted> run(Mono from, Mono::duration span) {
    std::vector<Counted> counted;
    std::multimap<Mono, std::int64_t> answers;
    for (Mono now = from; now < from + span;) {
      auto const cost = costs[counted.size() % costs.size()];
      auto ready = answers.size() < at_once ? allowance.ready_at(now, cost) : Mono::max();
      if (ready <= now) {
        allowance.start(now, cost);
        auto const trip = part_of(longest_trip) + 1ms;
        counted.push_back({now + part_of(trip), cost});
        answers.emplace(now + trip, cost);
        continue;
      }
      if (!answers.empty() && answers.begin()->first <= ready) {
        now = answers.begin()->first;
        allowance.answered(now, answers.begin()->second);
        answers.erase(answers.begin());
      } else {
        REQUIRE(ready < Mono::max());
        now = ready;
      }
    }
    return counted;
  }
};

std::int64_t sum(std::vector<Counted> const& all) {
  std::int64_t units = 0;
  for (Counted const& each : all) units += each.units;
  return units;
}

}  // namespace

TEST_CASE("a window is never overdrawn, however long requests travel, and nearly filled") {
  auto const trip = GENERATE(2ms, 50ms, 400ms, 3000ms);
  auto const costs = GENERATE(std::vector<std::int64_t>{1}, std::vector<std::int64_t>{16, 1, 2, 8});
  auto const percent = GENERATE(100U, 50U);
  auto const limit = PublishedLimit::window(4'000, 10s);
  Allowance allowance(limit, percent, start);
  Client client{allowance};
  client.at_once = 5'000;
  client.costs = costs;
  client.longest_trip = trip;
  auto const counted = client.run(start, 120s);
  auto const ours = limit.units * percent / 100;
  CHECK(fullest(counted, 10s) <= ours);
  // As much as the length of the trips allows.
  double const possible =
      12.0 * static_cast<double>(ours) * 10 / (10 + std::chrono::duration<double>(trip).count());
  CHECK(static_cast<double>(sum(counted)) >= 0.97 * possible);
}

TEST_CASE("a small window is kept, too, and what costs more than our share goes as rarely as it costs") {
  Allowance half(PublishedLimit::window(20, 10s), 50, start);
  Client client{half};
  client.costs = {2};
  auto const counted = client.run(start, 100s);
  CHECK(fullest(counted, 10s) <= 10);
  CHECK(counted.size() >= 45);

  Allowance tiny(PublishedLimit::window(20, 10s), 1, start);
  client.allowance.ready_at(start + 100s, 1);
  Client patient{tiny};
  patient.costs = {2};
  // 0.2 units in ten seconds: two units in a hundred.
  auto const few = patient.run(start, 1000s);
  CHECK(few.size() >= 9);
  CHECK(few.size() <= 11);
}

TEST_CASE("requests of a window are spread over it") {
  Allowance allowance(PublishedLimit::window(4'000, 10s), 100, start);
  Client client{allowance};
  client.longest_trip = 2ms;
  auto const counted = client.run(start, 30s);
  CHECK(fullest(counted, 1s) <= 4'000 / 20 + 4'000 / 10 + 1);
}

TEST_CASE("a bucket gives its burst at once and then what flows back") {
  Allowance allowance(PublishedLimit::bucket(250, 25, 1s), 100, start);
  Client client{allowance};
  client.at_once = 1'000;
  client.longest_trip = 2ms;
  auto const counted = client.run(start, 10s);
  CHECK(fullest(counted, 1ms) <= 250);
  CHECK(counted.size() >= 495);
  CHECK(counted.size() <= 501);
}

TEST_CASE("what a service tells of its bucket lowers ours, with the part of others left to them") {
  Allowance allowance(PublishedLimit::bucket(250, 25, 1s), 50, start);
  CHECK(allowance.ready_at(start, 1) == start);
  allowance.told(start, 200);  // Others have taken 50; 75 of our 125 are left.
  int sent = 0;
  while (allowance.ready_at(start, 1) <= start) {
    allowance.start(start, 1);
    allowance.answered(start, 1);
    ++sent;
  }
  CHECK(sent >= 74);
  CHECK(sent <= 75);
  // What is left belongs to others: ours only flows back.
  allowance.told(start + 10s, 100);
  auto const next = allowance.ready_at(start + 10s, 1);
  CHECK(next > start + 10s);
  CHECK(next <= start + 10s + 81ms);
  // Being told of more than we think there is changes nothing.
  allowance.told(start + 10s, 250);
  CHECK(allowance.ready_at(start + 10s, 1) == next);
}

TEST_CASE("a refusal holds, halves, and is forgotten after a while") {
  Allowance allowance(PublishedLimit::window(4'000, 10s), 100, start);
  CHECK(allowance.per_second() == Approx(400));
  allowance.refused(start, start + 7s);
  CHECK(allowance.ready_at(start, 1) == start + 7s);
  CHECK(allowance.per_second() == Approx(200));
  // Ten that were under way together met one overload.
  for (int i = 0; i < 10; ++i) allowance.refused(start + 1s, start + 8s);
  CHECK(allowance.per_second() == Approx(200));
  // No heap of requests as the first greeting.
  Client client{allowance};
  client.longest_trip = 2ms;
  auto const counted = client.run(start + 8s, 1s);
  CHECK(counted.size() <= 201);
  CHECK(counted.size() >= 190);
  for (auto at = start + 20s; at < start + 600s; at += 10s) allowance.refused(at, at);
  CHECK(allowance.per_second() == Approx(25));
  CHECK_FALSE(allowance.idle(start + 601s));
  CHECK(allowance.idle(start + 2000s));
  CHECK(allowance.per_second() == Approx(400));
}

TEST_CASE("costs that show afterwards are paid for") {
  Allowance allowance(PublishedLimit::window(4'000, 10s), 50, start);
  for (int i = 0; i < 200; ++i) allowance.add(start, 14);
  CHECK(allowance.ready_at(start, 1) > start + 10s);
  allowance.add(start, 0);
  allowance.add(start, -3);
  CHECK(allowance.ready_at(start + 14s, 1) == start + 14s);
}

TEST_CASE("of two shares of one limit the lesser counts") {
  Allowance allowance(PublishedLimit::window(4'000, 10s), 50, start);
  allowance.lower_share(80);
  CHECK(allowance.percent() == 50);
  allowance.lower_share(20);
  CHECK(allowance.percent() == 20);
  CHECK(allowance.per_second() == Approx(80));
}

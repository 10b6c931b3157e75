#include "policy/version_budget.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::a_key;
using test::a_policy;
using test::a_version;
using test::at;

std::vector<KeyVersion> versions(std::size_t count) {
  return std::vector<KeyVersion>(count, a_version("v", "2026-01-01T00:00:00Z"));
}

struct Budget {
  RotationPolicy policy = a_policy("p", {.key = "*"}, 1);
  Mode mode{Mode::enforce};

  std::optional<VersionBudget> of(std::size_t count, std::optional<unsigned> max,
                                  std::optional<unsigned> warning) const {
    AppliedPolicy const applied{.policy = &policy, .every = policy.every, .mode = mode, .place = {}};
    return version_budget(a_key("cmk"), versions(count), &applied, max, warning);
  }
};

TEST_CASE("a provider without bounds has no budget") { CHECK_FALSE(Budget().of(700, {}, {})); }

TEST_CASE("a hard bound is told with the first rotation that finds no room") {
  auto const budget = Budget().of(98, 100U, 80U);
  REQUIRE(budget);
  CHECK(budget->hard);
  CHECK(budget->left() == 2);
  CHECK(budget->used_up_at == at("2026-04-01T00:00:00Z"));
  CHECK(budget->tight(at("2026-01-02T00:00:00Z")));
}

TEST_CASE("a full budget is used up by the next rotation, and one beyond it has nothing left") {
  CHECK(Budget().of(100, 100U, 80U)->used_up_at == at("2026-02-01T00:00:00Z"));
  CHECK(Budget().of(101, 100U, 80U)->left() == 0);
}

TEST_CASE("a soft bound counts where there is no hard one") {
  auto const budget = Budget().of(10, {}, 500U);
  REQUIRE(budget);
  CHECK_FALSE(budget->hard);
  CHECK(budget->left() == 490);
  CHECK_FALSE(budget->used_up_at);
  CHECK_FALSE(budget->tight(at("2026-01-02T00:00:00Z")));
}

TEST_CASE("a slow cadence has time although few versions are left, and a fifth left is told all the same") {
  Budget slow;
  slow.policy.every = *Months::of(12);
  auto const some = slow.of(70, 100U, 80U);
  CHECK_FALSE(some->used_up_at);
  CHECK_FALSE(some->tight(at("2026-01-02T00:00:00Z")));
  CHECK(slow.of(80, 100U, 80U)->tight(at("2026-01-02T00:00:00Z")));
}

TEST_CASE("a key that nobody rotates does not run out") {
  Budget watched;
  watched.mode = Mode::observe;
  CHECK_FALSE(watched.of(99, 100U, 80U)->used_up_at);
}

}  // namespace
}  // namespace rekeyd

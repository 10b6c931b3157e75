#include "policy/quiesce_rules.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

TEST_CASE("machines are stopped in the order of the first entry that their tags match") {
  std::vector<Tags> const order{{{"role", "app*"}}, {{"role", "db"}, {"tier", "gold"}}};
  std::vector<Tags> const machines{{{"role", "db"}, {"tier", "gold"}},
                                   {{"role", "app-1"}},
                                   {{"role", "db"}},
                                   {},
                                   {{"role", "APP"}, {"tier", "gold"}}};
  CHECK(quiesce_groups(order, machines) == Groups{{1, 4}, {0}, {2, 3}});
}

TEST_CASE("without an order all machines are one group, and no machines are none") {
  CHECK(quiesce_groups({}, std::vector<Tags>{{}, {{"role", "db"}}}) == Groups{{0, 1}});
  CHECK(quiesce_groups({{{"role", "db"}}}, {}).empty());
}

TEST_CASE("an entry that nobody matches leaves no empty group") {
  std::vector<Tags> const order{{{"role", "cache"}}, {{"role", "db"}}};
  CHECK(quiesce_groups(order, std::vector<Tags>{{{"role", "db"}}}) == Groups{{0}});
}

}  // namespace
}  // namespace rekeyd

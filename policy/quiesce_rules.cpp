#include "policy/quiesce_rules.hpp"

#include "policy/match.hpp"

#include <algorithm>
#include <utility>

namespace rekeyd {

namespace {

bool matches(Tags const& wanted, Tags const& tags) {
  return std::ranges::all_of(wanted, [&](auto const& one) {
    auto const found = tags.find(one.first);
    return found != tags.end() && glob_matches(one.second, found->second);
  });
}

}  // namespace

std::vector<std::vector<std::size_t>> quiesce_groups(std::vector<Tags> const& order,
                                                     std::span<Tags const> machines) {
  std::vector<std::vector<std::size_t>> groups(order.size() + 1);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    auto const first =
        std::ranges::find_if(order, [&](Tags const& each) { return matches(each, machines[i]); });
    groups[static_cast<std::size_t>(first - order.begin())].push_back(i);
  }
  std::erase_if(groups, [](auto const& group) { return group.empty(); });
  return groups;
}

}  // namespace rekeyd

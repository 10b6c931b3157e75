#include "daemon/control/key_filter.hpp"

#include "policy/match.hpp"

namespace rekeyd::daemon {

namespace {

bool names(std::string const& glob, KeyReport const& report) {
  return glob_matches(glob, report.name) || glob_matches(glob, report.key.id.str()) ||
         glob_matches(glob, report.key.text());
}

}  // namespace

bool matches(KeyFilter const& filter, KeyReport const& report) {
  return (!filter.provider || report.key.provider.str() == *filter.provider) &&
         (!filter.status || report.verdict.status == *filter.status) &&
         (!filter.policy || report.policy == *filter.policy) && (!filter.name || names(*filter.name, report));
}

}  // namespace rekeyd::daemon

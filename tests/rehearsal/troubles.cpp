#include "tests/rehearsal/troubles.hpp"

namespace rekeyd::rehearsal {

using namespace std::chrono_literals;
using sim::FaultKind;
using sim::FaultRule;

namespace {

FaultRule refusal(unsigned status, double probability, std::string retry_after = {}) {
  FaultRule rule{.kind = FaultKind::refuse, .probability = probability};
  rule.status = status;
  rule.retry_after = std::move(retry_after);
  return rule;
}

FaultRule answer(FaultKind kind, double probability) {
  return FaultRule{.kind = kind, .probability = probability};
}

/// What was made is seen only so much later, within what each provider is known for.
FaultRule lag(char const* host, std::chrono::seconds span) {
  FaultRule rule{.kind = FaultKind::lag, .host = host, .method = "POST", .probability = 0.05};
  rule.lag = span;
  return rule;
}

void add_lags(std::vector<FaultRule>& rules) {
  rules.push_back(lag("*kms*", 50s));
  rules.push_back(lag("*hs-crypto*", 50s));
  rules.push_back(lag("*vault*", 110s));
  rules.push_back(lag("*managedhsm*", 340s));
}

Troubles usual() {
  Troubles troubles;
  troubles.network = {.unreachable = 0.0005,
                      .lost = 0.0005,
                      .reply_lost = 0.0005,
                      .late = 0.0002,
                      .late_max = 60s,
                      .outages_a_year = 2,
                      .outage_max = 6h};
  troubles.fate.stops_a_year = 12;
  troubles.fate.crashes_a_year = 1;
  troubles.fate.down_max = 10min;
  troubles.clouds = {refusal(429, 0.0005, "7"), refusal(503, 0.0005), refusal(500, 0.0003),
                     answer(FaultKind::reset_after, 0.0003), answer(FaultKind::expired_token, 0.0002)};
  add_lags(troubles.clouds);
  return troubles;
}

Troubles hostile() {
  Troubles troubles;
  troubles.network = {.unreachable = 0.003,
                      .lost = 0.003,
                      .reply_lost = 0.004,
                      .late = 0.002,
                      .late_max = 240s,
                      .outages_a_year = 4,
                      .outage_max = 48h};
  troubles.fate = {.crash_at_work = 0.0001,
                   .crashes_a_year = 6,
                   .stops_a_year = 12,
                   .full_disks_a_year = 2,
                   .freezes_a_year = 4,
                   .clock_steps_a_year = 6,
                   .clock_step_max = 240s,
                   .down_max = 11h};
  troubles.clouds = {refusal(429, 0.003, "7"),
                     refusal(429, 0.001, "date:20"),
                     refusal(503, 0.003),
                     refusal(500, 0.002),
                     refusal(502, 0.001),
                     answer(FaultKind::reset_before, 0.001),
                     answer(FaultKind::reset_after, 0.002),
                     answer(FaultKind::truncate, 0.001),
                     answer(FaultKind::malformed_json, 0.001),
                     answer(FaultKind::html, 0.0005),
                     answer(FaultKind::huge_body, 0.00002),
                     answer(FaultKind::wrong_type, 0.001),
                     answer(FaultKind::expired_token, 0.002)};
  add_lags(troubles.clouds);
  return troubles;
}

}  // namespace

char const* to_text(Faults faults) {
  switch (faults) {
    case Faults::none:
      return "none";
    case Faults::usual:
      return "usual";
    case Faults::hostile:
      return "hostile";
  }
  return "?";
}

std::optional<Faults> parse_faults(std::string_view word) {
  for (Faults const faults : {Faults::none, Faults::usual, Faults::hostile}) {
    if (word == to_text(faults)) return faults;
  }
  return std::nullopt;
}

Troubles troubles_of(Faults faults) {
  switch (faults) {
    case Faults::none:
      break;
    case Faults::usual:
      return usual();
    case Faults::hostile:
      return hostile();
  }
  return {};
}

}  // namespace rekeyd::rehearsal

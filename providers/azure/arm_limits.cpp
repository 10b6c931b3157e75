#include "providers/azure/arm_limits.hpp"

#include "providers/azure/letter_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace rekeyd::providers::azure {

namespace {

using namespace std::chrono_literals;

char const* word(ArmVerb verb) {
  if (verb == ArmVerb::read) return "reads";
  return verb == ArmVerb::write ? "writes" : "deletes";
}

std::optional<std::int64_t> number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::int64_t value = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const whole = read.ec == std::errc() && read.ptr == text.data() + text.size() && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

/// The window that a policy's name ends with: "HighCostDiskEncryptionSet30Min". Half an hour, the longest
/// seen, when it says nothing.
std::chrono::seconds window_of(std::string_view policy) {
  constexpr std::chrono::seconds longest = 30min;
  constexpr std::string_view minutes = "min";
  if (!lower_case(policy).ends_with(minutes)) return longest;
  policy.remove_suffix(minutes.size());
  auto const digits = policy.find_last_not_of("0123456789");
  auto const count = number(policy.substr(digits == std::string_view::npos ? 0 : digits + 1));
  return count && *count >= 1 && *count <= std::chrono::minutes(24h).count() ? std::chrono::minutes(*count)
                                                                             : longest;
}

}  // namespace

SharedAllowancePtr ArmLimits::allowance(std::string const& name, PublishedLimit const& limit,
                                        unsigned percent) {
  SharedAllowancePtr& shared = allowances_[name];
  if (!shared) shared = std::make_shared<SharedAllowance>(limit, percent, clock_.mono_now());
  shared->allowance.lower_share(percent);
  return shared;
}

void ArmLimits::add(Charges& charges, std::string const& name, PublishedLimit const& limit,
                    unsigned percent) {
  Charge charge;
  charge.allowance = allowance(name, limit, percent);
  charges.push_back(std::move(charge));
}

Charges ArmLimits::charges(Caller const& caller, std::string_view method, std::string_view target) {
  forget_idle();
  ArmRequest const request = arm_request(method, target);
  std::string const& subscription = request.subscription;
  Charges charges;
  // First the narrowest: its line holds nobody else up.
  if (auto const own = published_resource_limit(request.work); own && !request.resource.empty()) {
    constexpr unsigned whole = 100;
    auto const name = fmt::format("{} {} {}", subscription, static_cast<int>(request.work), request.resource);
    add(charges, name, *own, std::max(whole, caller.percent));
  }
  int nth = 0;
  for (PublishedLimit const& limit : published_limits(request.work)) {
    add(charges, fmt::format("{} {} #{}", subscription, static_cast<int>(request.work), ++nth), limit,
        caller.percent);
  }
  bool const of_compute = !charges.empty();
  add(charges, fmt::format("{} {} of {}", subscription, word(request.verb), caller.principal),
      published_limit(request.verb), caller.percent);
  // Compute's refusals, which may ask for twenty minutes, need not hold up all that is not Compute's.
  charges.back().blamed = !of_compute;
  return charges;
}

void ArmLimits::learn(Caller const& caller, std::string_view method, std::string_view target,
                      HttpResponse const& response) {
  ArmRequest const request = arm_request(method, target);
  Charges const drawn_on = charges(caller, method, target);
  auto const name = fmt::format("x-ms-ratelimit-remaining-subscription-{}", word(request.verb));
  auto const everywhere = fmt::format("x-ms-ratelimit-remaining-subscription-global-{}", word(request.verb));
  auto left = number(response.header(name));
  if (auto const global = number(response.header(everywhere)))
    left = std::min(left.value_or(*global), *global);
  if (left) drawn_on.back().allowance->allowance.told(clock_.mono_now(), *left);
  for (auto const& [header, value] : response.headers) {
    if (lower_case(header) == "x-ms-ratelimit-remaining-resource")
      hold_when_low(request.subscription, value, drawn_on);
  }
}

/// "Microsoft.Compute/UpdateVM3Min;237,Microsoft.Compute/UpdateVM30Min;1197". Of what has less than a tenth
/// left, requests go as slowly as it fills up again.
void ArmLimits::hold_when_low(std::string const& subscription, std::string_view policies,
                              Charges const& charges) {
  constexpr std::size_t policies_max = 10'000;
  while (!policies.empty()) {
    auto const end = std::min(policies.find(','), policies.size());
    std::string_view const entry = policies.substr(0, end);
    policies.remove_prefix(std::min(end + 1, policies.size()));
    auto const mark = entry.rfind(';');
    auto const left = mark == std::string_view::npos ? std::nullopt : number(entry.substr(mark + 1));
    if (!left || most_left_.size() >= policies_max) continue;
    std::string_view const policy = entry.substr(0, mark);
    std::int64_t& most = most_left_[fmt::format("{} {}", subscription, policy)];
    most = std::max(most, *left);
    if (*left > most / 10) continue;
    auto const each = std::chrono::milliseconds(window_of(policy)) / std::max<std::int64_t>(1, most);
    for (Charge const& charge : charges) {
      if (&charge != &charges.back()) charge.allowance->allowance.hold(clock_.mono_now() + each);
    }
  }
}

/// Machines and operations come and go.
void ArmLimits::forget_idle() {
  constexpr std::size_t many = 512;
  if (allowances_.size() < many) return;
  auto const now = clock_.mono_now();
  std::erase_if(allowances_, [now](auto const& entry) {
    return entry.second.use_count() == 1 && entry.second->allowance.idle(now);
  });
}

}  // namespace rekeyd::providers::azure

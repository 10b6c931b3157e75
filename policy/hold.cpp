#include "policy/hold.hpp"

#include "policy/words.hpp"

#include <utility>

namespace rekeyd {

namespace {

constexpr auto kinds = words<HoldKind>({{HoldKind::clock_stepped, "clock_stepped"},
                                        {HoldKind::clock_disagrees, "clock_disagrees"},
                                        {HoldKind::too_many_due, "too_many_due"},
                                        {HoldKind::circuit_open, "circuit_open"}});
constexpr auto scopes = words<BrakeScope::Kind>({{BrakeScope::Kind::everything, "everything"},
                                                 {BrakeScope::Kind::provider, "provider"},
                                                 {BrakeScope::Kind::policy, "policy"}});

}  // namespace

bool BrakeScope::covers(ProviderName const& provider, PolicyName const& policy) const {
  switch (kind) {
    case Kind::everything:
      return true;
    case Kind::provider:
      return name == provider.str();
    case Kind::policy:
      return name == policy.str();
  }
  std::unreachable();
}

std::string BrakeScope::text() const {
  return kind == Kind::everything ? to_text(kind) : std::string(to_text(kind)) + " " + name;
}

std::string Hold::name() const {
  std::string text = to_text(kind);
  if (scope.kind != BrakeScope::Kind::everything) {
    text += std::string(":") + to_text(scope.kind) + ":" + scope.name;
  }
  return text;
}

bool is_of_clock(HoldKind kind) {
  return kind == HoldKind::clock_stepped || kind == HoldKind::clock_disagrees;
}

char const* to_text(HoldKind kind) { return kinds.word(kind); }
char const* to_text(BrakeScope::Kind kind) { return scopes.word(kind); }
std::optional<HoldKind> parse_hold_kind(std::string_view text) { return kinds.value(text); }
std::optional<BrakeScope::Kind> parse_brake_scope(std::string_view text) { return scopes.value(text); }

}  // namespace rekeyd

#pragma once
#include "providers/azure/service_limits.hpp"
#include "providers/http/quota.hpp"
#include "providers/http/transport.hpp"

#include <map>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// What may be asked of Azure Resource Manager, for all identities and subscriptions of this process. Its
/// answers tell what is left, of limits that are published and of others; who else uses them shows there.
class ArmLimits {
 public:
  explicit ArmLimits(Clock& clock) : clock_(clock) {}

  /// Whose requests count together, and how much of the limits is ours. What one machine or one operation is
  /// allowed is taken whole: it is ours while we change it.
  struct Caller {
    std::string principal;
    unsigned percent{100};
  };

  Charges charges(Caller const& caller, std::string_view method, std::string_view target);
  /// Reads the x-ms-ratelimit-remaining-* headers of an answer, whatever its status.
  void learn(Caller const& caller, std::string_view method, std::string_view target,
             HttpResponse const& response);

 private:
  SharedAllowancePtr allowance(std::string const& name, PublishedLimit const& limit, unsigned percent);
  void add(Charges& charges, std::string const& name, PublishedLimit const& limit, unsigned percent);
  void hold_when_low(std::string const& subscription, std::string_view policies, Charges const& charges);
  void forget_idle();

  Clock& clock_;
  std::map<std::string, SharedAllowancePtr> allowances_;
  /// "SUBSCRIPTION POLICY" → the most that was ever left of it: as good as its size.
  std::map<std::string, std::int64_t, std::less<>> most_left_;
};

}  // namespace rekeyd::providers::azure

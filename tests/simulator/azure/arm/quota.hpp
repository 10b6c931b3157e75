#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/service.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::sim::azure::arm {

/// What a request costs, as the limits tell requests apart.
enum class Cost {
  other,
  set_read,
  set_write,
  set_operation,
  machine_read,
  machine_list,
  machine_act,
  machine_operation
};

/// The published limits of Azure Resource Manager (token buckets for each subscription and client) and of
/// Compute (for each subscription, and for each machine or operation), with the headers that tell what is
/// left.
class Quota {
 public:
  /// `kept`: too many requests are refused. Otherwise the headers always tell of full buckets.
  explicit Quota(bool kept) : kept_(kept) {}

  struct Demand {
    std::string method;
    std::string subscription;
    std::string client;
    Cost cost{Cost::other};
    std::string resource;  ///< The machine or operation.
  };
  /// The refusal, if it is too much. `headers` gets what is left, whether it is or not.
  std::optional<Answer> take(Demand const& demand, Instant now, Headers& headers);

 private:
  struct Bucket {
    double level;
    Instant at;
  };
  struct Rule {
    std::string name;  ///< Of the policy, as headers and refusals have it.
    std::string key;
    double burst;
    double per_second;
    bool compute;
  };
  static std::vector<Rule> rules(Demand const& demand);
  /// What is left after this request; below zero: refused.
  double left(Rule const& rule, Instant now);

  bool kept_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace rekeyd::sim::azure::arm

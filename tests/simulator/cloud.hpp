#pragma once
#include "tests/simulator/faults.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"
#include "tests/simulator/service.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace rekeyd::sim {

/// The name of the control host: fault rules, the dump of the state, the proof of WDEKs.
inline constexpr std::string_view control_host = "sim.localhost";

/// All services of a world behind one address, with the fault rules in front of them and a control host
/// (tests/simulator/README.md) beside them. For one thread at a time.
class Cloud {
 public:
  /// `rsa_pool_size`: see RsaPool.
  Cloud(std::uint64_t seed, std::size_t rsa_pool_size);
  Cloud(Cloud const&) = delete;
  Cloud& operator=(Cloud const&) = delete;

  /// The one way in. Whoever calls carries out the delivery's delay and cut.
  Delivery handle(Request const& request, Instant now);

  void add(std::unique_ptr<Service> service);
  FaultRules& faults() { return faults_; }
  Randomness& random() { return random_; }
  RsaPool& rsa_keys() { return rsa_keys_; }

  /// Every host name that is answered, the control host included.
  std::vector<std::string> hosts() const;
  /// Makes the DEKs that the world file asked for, once; later calls return the same.
  std::vector<SeededDek> const& deks();
  /// SHA-256 of the DEK in it, or nothing when it does not unwrap with the version and AAD that it names.
  std::optional<std::string> unwrap_check(Envelope const& envelope) const;
  /// What GET /state shows.
  boost::json::value state(Instant now) const;
  /// Every key of every service.
  std::vector<KeyTruth> keys_as_they_are(Instant now) const;
  /// The machines and disk encryption sets of every service.
  ResourceTruth resources_as_they_are(Instant now) const;
  /// Host → "operation status" → number of requests.
  boost::json::value request_counts() const;

 private:
  Service* find(std::string const& host) const;
  Delivery served(Service& service, Request const& request, Instant now);
  Answer control(Request const& request, Instant now);
  void count(Request const& request, Delivery const& delivery);

  Randomness random_;
  RsaPool rsa_keys_;
  FaultRules faults_;
  std::vector<std::unique_ptr<Service>> services_;
  std::unordered_map<std::string, Service*> by_host_;
  std::optional<std::vector<SeededDek>> deks_;
  std::map<std::string, std::map<std::string, std::uint64_t>> requests_;
};

}  // namespace rekeyd::sim

#pragma once
#include "tests/simulator/faults.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"
#include "tests/simulator/service.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::sim {

/// All services of a world behind one address, with the fault rules in front of them and a control host
/// (sim.localhost; tests/simulator/README.md) beside them.
class Cloud {
 public:
  Cloud(std::uint64_t seed, std::size_t rsa_pool_size);
  Cloud(Cloud const&) = delete;
  Cloud& operator=(Cloud const&) = delete;

  /// The one way in. Whoever calls carries out the delivery's delay and cut.
  Delivery handle(Request request, Instant now);

  void add(std::unique_ptr<Service> service) { services_.push_back(std::move(service)); }
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

 private:
  Service* find(std::string_view host) const;
  Answer control(Request const& request, Instant now);
  void count(Request const& request, Answer const& answer);

  Randomness random_;
  RsaPool rsa_keys_;
  FaultRules faults_;
  std::vector<std::unique_ptr<Service>> services_;
  std::optional<std::vector<SeededDek>> deks_;
  std::map<std::string, std::map<std::string, std::uint64_t>>
      requests_;  ///< Host → "operation status" → count.
};

}  // namespace rekeyd::sim

#pragma once
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/ibm/token_authority.hpp"
#include "tests/simulator/service.hpp"

#include <memory>

namespace rekeyd::sim::ibm {

struct Match;

/// The key-management service with all its instances, whatever their flavour.
class KeyProtect : public Service {
 public:
  KeyProtect(std::shared_ptr<TokenAuthority> tokens, Randomness& random);

  Instance& add(Instance instance);
  /// How many DEKs seed_deks() makes for that key.
  struct SeedingOrder {
    std::string instance_id;
    std::string key_id;
    unsigned count;
    std::vector<std::string> aad;
  };
  void order_deks(SeedingOrder order) { orders_.push_back(std::move(order)); }

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override;
  std::optional<std::string> unwrap_check(Envelope const& envelope) const override;

 private:
  struct Place;  ///< Which instances a host name leads to.
  Answer answer(Request const& request, Instant now);
  Answer perform(Instance& instance, Match match, Request const& request, Target const& target,
                 Identity const& caller, Instant now);
  Instance* addressed(Request const& request);
  Instance const* dedicated_at(std::string_view host) const;

  std::shared_ptr<TokenAuthority> tokens_;
  Randomness& random_;
  std::map<std::string, Instance, std::less<>> instances_;  ///< By id.
  std::vector<SeedingOrder> orders_;
};

}  // namespace rekeyd::sim::ibm

#pragma once
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/ibm/token_authority.hpp"
#include "tests/simulator/service.hpp"

#include <memory>

namespace rekeyd::sim::ibm {

/// The key-management service with all its instances, whatever their flavour.
class KeyProtect : public Service {
 public:
  KeyProtect(std::shared_ptr<TokenAuthority> tokens, Randomness& random);

  /// Precondition: no instance of that id is there yet.
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
  std::vector<KeyTruth> keys_as_they_are(Instant now) const override;
  /// POST /registrations: what IBM's own services do when a resource is made with a key or goes.
  std::optional<Answer> control(Request const& request, Instant now) override;
  void grow_older(std::chrono::seconds by, Instant now) override;
  std::vector<SeededDek> seed_deks() override;
  std::optional<std::string> unwrap_check(Envelope const& envelope) const override;

 private:
  Answer answer(Request const& request, Instant now);
  Answer route(Instance& instance, Request const& request, Identity const& caller, Instant now);
  Key* find_key(std::string const& instance, std::string const& key, Instant now);
  Instance* addressed(Request const& request);
  bool is_uninitialised(std::string_view host) const;

  std::shared_ptr<TokenAuthority> tokens_;
  Randomness& random_;
  std::map<std::string, Instance, std::less<>> instances_;  ///< By id.
  std::vector<SeedingOrder> orders_;
};

}  // namespace rekeyd::sim::ibm

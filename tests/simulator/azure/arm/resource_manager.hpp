#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/azure/arm/estate.hpp"
#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/quota.hpp"
#include "tests/simulator/azure/arm/resource_id.hpp"
#include "tests/simulator/azure/arm/set_change.hpp"
#include "tests/simulator/azure/arm/settings.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::azure::arm {

/// Azure Resource Manager with Compute behind it: disk encryption sets, virtual machines, disks, snapshots,
/// locks and permissions of some subscriptions. What was accepted goes on whether or not anybody asks: its
/// state at a moment hangs only on what was asked before, and on the vaults' keys.
class ResourceManager : public Service {
 public:
  ResourceManager(Estate estate, Settings const& settings, TokenMint mint, std::unique_ptr<KeyDirectory> keys,
                  Randomness& random, Instant now);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  ResourceTruth resources_as_they_are(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<Answer> control(Request const& request, Instant now) override;
  void grow_older(std::chrono::seconds by, Instant now) override;
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }

  /// All that is due until then happens. To be called before keys change.
  void advance_to(Instant now);

 private:
  struct Call {
    Request const& request;
    Target target;
    ResourceId id;
    Instant now;
    std::string client;
    std::string base;     ///< "https://management.azure.com", as the client named it.
    Estate const& seen;   ///< What reads see: older than estate_ when a lagging replica answers.
    std::string version;  ///< api-version
  };

  // resource_manager.cpp: who may come in, and where a request goes.
  Answer answered(Request const& request, Instant now, Headers& extra);
  Answer admitted(Call const& call, Headers& extra);
  Answer served(Call const& call);
  Answer compute(Call const& call);
  Answer resources(Call const& call);
  void add_headers(Answer& answer, Request const& request, Headers const& extra);
  Estate as_of(Instant now) const;
  void remember(Instant now);
  IdCase list_ids() const;
  /// Writes a list's page: `value` from the place that $skiptoken names, and nextLink.
  Answer page(Call const& call, boost::json::array all, char const* operation) const;

  // disk_encryption_sets.cpp
  Answer disk_encryption_sets(Call const& call);
  Answer list_sets(Call const& call);
  Answer associated_resources(Call const& call);
  Answer change_set(Call const& call);
  Answer create_set(Call const& call, ResourceName name);
  Answer update_set(Call const& call, DiskEncryptionSet& set, SetChange const& change);

  // virtual_machines.cpp
  Answer virtual_machines(Call const& call);
  Answer list_machines(Call const& call);
  Answer machine(Call const& call, VirtualMachine const& machine);
  Answer extensions(Call const& call, VirtualMachine const& machine);
  Answer act_on(Call const& call, VirtualMachine& machine, Act act, char const* operation);
  boost::json::object view(VirtualMachine const& machine);
  VirtualMachine const* find_machine(Call const& call) const;

  // disks.cpp
  Answer disks(Call const& call);

  // other_consumers.cpp
  Answer storage_accounts(Call const& call);
  Answer sql(Call const& call);
  Answer read_sql(Call const& call, SqlServer const& server);
  Answer put_sql(Call const& call, SqlServer& server);
  Answer sql_accepted(Call const& call, Operation const& operation) const;
  Answer sql_operation(Call const& call);

  // operations.cpp
  Operation new_operation(Act act, ResourceName const& resource, std::string const& location,
                          std::string const& by, Instant now);
  std::string operation_url(Call const& call, Operation const& operation, bool monitor) const;
  Answer accepted(Call const& call, Operation const& operation, std::string body, char const* name) const;
  Answer operation(Call const& call);

  // authorization.cpp
  std::optional<Answer> challenge(Request const& request, Instant now, std::string const& subscription,
                                  std::string& client) const;
  Answer authenticate_first(Request const& request, std::string const& subscription, std::string_view code,
                            std::string_view message) const;
  std::optional<Answer> not_authorized(Call const& call) const;
  std::optional<Answer> locked(Call const& call) const;
  Answer authorization(Call const& call);
  Answer list_locks(Call const& call);
  Answer list_permissions(Call const& call);

  // people.cpp: the control host.
  Answer people_and_machine(boost::json::object const& wish, Instant now);
  Answer people_and_set(boost::json::object const& wish, Instant now);
  Answer people_and_lock(boost::json::object const& wish, bool put, Instant now);

  Settings settings_;
  TokenMint mint_;
  std::unique_ptr<KeyDirectory> keys_;
  Randomness& random_;
  Estate estate_;
  Instant clock_;  ///< The latest moment that was served.
  Quota quota_;
  std::string certificate_;                         ///< The long part of operations' URLs.
  std::map<std::string, int> hidden_power_states_;  ///< By machine: so many reads show none.
  /// What was, right after each write: for replicas that lag.
  std::deque<std::pair<Instant, Estate>> past_;
};

}  // namespace rekeyd::sim::azure::arm

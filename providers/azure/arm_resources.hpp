#pragma once
#include "providers/azure/arm_access.hpp"
#include "providers/azure/arm_answer.hpp"
#include "providers/azure/arm_authorization.hpp"
#include "providers/azure/disk_encryption_set.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/managed_disk.hpp"
#include "providers/azure/resource_kind.hpp"
#include "providers/azure/resource_manager.hpp"
#include "providers/azure/virtual_machine.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::providers::azure {

/// make_resource_manager's class. One file for each thing it does: resource_survey.cpp, sql_survey.cpp,
/// machine_control.cpp, change_hindrances.cpp, and the rest in resource_manager.cpp.
class ResourceManager final : public ResourceController {
 public:
  ResourceManager(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                  ResourceManagerOptions options)
      : access_(client, credentials, clock, random,
                {options.endpoint, options.audience, options.limits, options.caller, options.api_versions}),
        options_(std::move(options)) {
    for (ArmScope& scope : options_.scopes) {
      scope.subscription = lower_case(scope.subscription);
      for (std::string& group : scope.resource_groups) group = lower_case(group);
    }
  }

  std::string id_prefix() const override { return "/subscriptions/"; }
  bool looks_after(ResourceId const& resource) const override;
  bool may_use(KeyRef const& key) const override { return !host_of(key).empty(); }
  boost::asio::awaitable<Result<ResourceSurvey>> survey(Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Registration>> describe(ResourceId resource, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<bool>> is_prepared(ResourceId resource, KeyRef key, VersionId version,
                                                   Clock::Mono deadline) override;
  boost::asio::awaitable<Result<ChangeTicket>> prepare(ResourceId resource, KeyRef key, VersionId version,
                                                       Clock::Mono deadline) override;
  boost::asio::awaitable<Result<ChangeTicket>> move(ResourceId resource, KeyRef key, VersionId version,
                                                    Clock::Mono deadline) override;
  boost::asio::awaitable<Result<ChangeProgress>> progress(std::string operation,
                                                          Clock::Mono deadline) override;
  std::chrono::seconds following_lag(Registration const& resource) const override;

  bool is_machine(ResourceId const& tied) const override;
  std::vector<std::string> shortcomings(RootKey const& key, Registration const& resource) const override;
  boost::asio::awaitable<Result<std::vector<Machine>>> machines(ResourceId resource,
                                                                Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Machine>> machine(ResourceId machine, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<ChangeTicket>> stop(ResourceId machine, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<ChangeTicket>> start(ResourceId machine, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<std::vector<ResourceCondition>>> hindrances(ResourceId resource,
                                                                            std::vector<ResourceId> machines,
                                                                            Clock::Mono deadline) override;

 private:
  /// Disk encryption set → the machines whose disks name it.
  using MachinesBySet = std::map<std::string, std::vector<ResourceId>>;

  template <class Item>
  using ParseItems = Result<std::vector<Item>> (*)(std::string_view body, std::string const& where);
  /// All pages of a list in which nothing may be left out.
  template <class Item>
  boost::asio::awaitable<Result<std::vector<Item>>> items(ArmCall call, ParseItems<Item> parse,
                                                          Clock::Mono deadline);
  /// All pages of a list whose entries may be unreadable one by one: those go into `defects`; without, the
  /// first of them is the error.
  template <class Item>
  boost::asio::awaitable<Result<std::vector<Item>>> readable_items(ArmCall call, ReadItem<Item> read_item,
                                                                   std::vector<Error>* defects,
                                                                   Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<VirtualMachine>>> list_machines(std::string subscription,
                                                                            bool with_instance_view,
                                                                            std::vector<Error>* defects,
                                                                            Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<ManagedDisk>>> list_disks(std::string subscription,
                                                                      std::vector<Error>* defects,
                                                                      Clock::Mono deadline);

  // resource_manager.cpp
  /// A resource as it was just read.
  struct Reading {
    ResourceKind const& kind;
    ArmReply reply;
    EncryptedResource resource;
  };
  /// Nothing: it uses no key of a configured vault.
  std::optional<Registration> ours(EncryptedResource resource) const;
  std::string host_of(KeyRef const& key) const;
  boost::asio::awaitable<Result<Reading>> read(ResourceId resource, Clock::Mono deadline);
  /// An error without a vault of ours that holds the key.
  Result<KeyIdentifier> named(ResourceId const& resource, KeyRef const& key, VersionId const& version) const;
  boost::asio::awaitable<Result<ChangeTicket>> change(ArmCall call, Clock::Mono deadline);

  // resource_survey.cpp
  boost::asio::awaitable<Result<void>> survey_scope(ArmScope scope, ResourceSurvey& survey,
                                                    Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<Registration>>> resources_in(std::string folder,
                                                                         ResourceKind const& kind,
                                                                         ResourceSurvey& survey,
                                                                         Clock::Mono deadline);
  boost::asio::awaitable<Result<void>> survey_others(std::string folder, ResourceSurvey& survey,
                                                     Clock::Mono deadline);
  /// Servers, and the keys that they keep for their backups.
  boost::asio::awaitable<Result<std::vector<Registration>>> sql_in(std::string folder, ResourceSurvey& survey,
                                                                   Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<Registration>>> sql_ties(ResourceId server,
                                                                     ResourceSurvey& survey,
                                                                     Clock::Mono deadline);
  boost::asio::awaitable<Result<void>> survey_disk_encryption(
      std::string subscription, Result<std::vector<VirtualMachine>> const& machines, ResourceSurvey& survey,
      Clock::Mono deadline);
  boost::asio::awaitable<Result<void>> tie_dependants(Registration& registration,
                                                      Result<MachinesBySet> const& machines,
                                                      Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<ResourceId>>> associated_with(ResourceId resource,
                                                                          Clock::Mono deadline);

  // machine_control.cpp
  boost::asio::awaitable<Result<ChangeTicket>> act(ResourceId machine, std::string action,
                                                   Clock::Mono deadline);

  // change_hindrances.cpp
  boost::asio::awaitable<Result<std::vector<ArmGrant>>> grants_at(std::string group, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<ArmLock>>> locks_of(std::string subscription,
                                                                Clock::Mono deadline);

  ArmAccess access_;
  ResourceManagerOptions options_;
};

template <class Item>
boost::asio::awaitable<Result<std::vector<Item>>> ResourceManager::items(ArmCall call, ParseItems<Item> parse,
                                                                         Clock::Mono deadline) {
  auto const pages = co_await access_.pages(std::move(call), deadline);
  if (!pages) co_return std::unexpected(pages.error());
  std::vector<Item> all;
  for (ArmReply const& reply : *pages) {
    auto page = parse(reply.response.body, reply.where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::ranges::move(*page, std::back_inserter(all));
  }
  co_return all;
}

template <class Item>
boost::asio::awaitable<Result<std::vector<Item>>> ResourceManager::readable_items(ArmCall call,
                                                                                  ReadItem<Item> read_item,
                                                                                  std::vector<Error>* defects,
                                                                                  Clock::Mono deadline) {
  auto const pages = co_await access_.pages(std::move(call), deadline);
  if (!pages) co_return std::unexpected(pages.error());
  std::vector<Item> all;
  for (ArmReply const& reply : *pages) {
    auto page = parse_arm_page(reply.response.body, reply.where, read_item);
    if (!page) co_return std::unexpected(std::move(page.error()));
    bool const spoiled = defects == nullptr && !page->defects.empty();
    if (spoiled) co_return std::unexpected(std::move(page->defects.front()));
    if (defects != nullptr) std::ranges::move(page->defects, std::back_inserter(*defects));
    std::ranges::move(page->items, std::back_inserter(all));
  }
  co_return all;
}

}  // namespace rekeyd::providers::azure

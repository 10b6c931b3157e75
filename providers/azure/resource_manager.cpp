#include "providers/azure/resource_manager.hpp"

#include "providers/azure/arm_operation.hpp"
#include "providers/azure/arm_resources.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace azure {

namespace {

Error no_such_resource(ResourceId const& resource, std::string what) {
  Error error;
  error.error_class = ErrorClass::not_found;
  error.what = std::move(what);
  error.where = resource.str();
  return error;
}

}  // namespace

std::chrono::seconds ResourceManager::following_lag(Registration const& resource) const {
  auto const id = ArmId::parse(resource.resource.str());
  ResourceKind const* const kind = id ? resource_kind_of(*id) : nullptr;
  return kind == nullptr ? std::chrono::seconds(0) : kind->following_lag;
}

bool ResourceManager::looks_after(ResourceId const& resource) const {
  auto const id = ArmId::parse(resource.str());
  if (!id) return false;
  // Machines and their disks are listed for the whole subscription, since they may lie anywhere in it.
  bool const anywhere = id->is(virtual_machine_type) || id->is(managed_disk_type);
  if (!anywhere && resource_kind_of(*id) == nullptr) return false;
  return std::ranges::any_of(options_.scopes, [&](ArmScope const& scope) {
    bool const in_group =
        anywhere || scope.resource_groups.empty() ||
        std::ranges::find(scope.resource_groups, id->resource_group) != scope.resource_groups.end();
    return scope.subscription == id->subscription && in_group;
  });
}

std::optional<Registration> ResourceManager::ours(EncryptedResource resource) const {
  auto const vault = options_.vaults.find(resource.key.host);
  if (vault == options_.vaults.end()) return std::nullopt;
  resource.tie.key = KeyRef{vault->second.first, vault->second.second, KeyId(resource.key.name)};
  return std::move(resource.tie);
}

std::string ResourceManager::host_of(KeyRef const& key) const {
  auto const vault = std::ranges::find_if(options_.vaults, [&](auto const& entry) {
    return entry.second.first == key.provider && entry.second.second == key.vault;
  });
  return vault == options_.vaults.end() ? std::string() : vault->first;
}

asio::awaitable<Result<ResourceManager::Reading>> ResourceManager::read(ResourceId resource,
                                                                        Clock::Mono deadline) {
  auto const id = ArmId::parse(resource.str());
  ResourceKind const* const kind = id ? resource_kind_of(*id) : nullptr;
  if (kind == nullptr) {
    co_return std::unexpected(no_such_resource(resource, "it is nothing that uses a root key by itself"));
  }
  ArmCall call;
  call.path = resource.str();
  call.api_version = kind->api_version;
  auto reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  auto read = parse_arm_item(reply->response.body, reply->where, kind->read);
  if (!read) co_return std::unexpected(std::move(read.error()));
  if (read->tie.resource != resource) {
    co_return std::unexpected(malformed_answer("id names another resource", reply->where));
  }
  Reading reading{*kind, *std::move(reply), *std::move(read)};
  co_return reading;
}

asio::awaitable<Result<Registration>> ResourceManager::describe(ResourceId resource, Clock::Mono deadline) {
  auto reading = co_await read(resource, deadline);
  if (!reading) co_return std::unexpected(reading.error());
  auto registration = ours(std::move(reading->resource));
  if (!registration)
    co_return std::unexpected(no_such_resource(resource, "it uses a key of a vault that is not configured"));
  co_return *std::move(registration);
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::move(ResourceId resource, KeyRef key,
                                                            VersionId version, Clock::Mono deadline) {
  auto const reading = co_await read(resource, deadline);
  if (!reading) co_return std::unexpected(reading.error());
  std::string const host = host_of(key);
  if (host.empty()) {
    co_return std::unexpected(no_such_resource(resource, "no vault is configured for the key " + key.text()));
  }
  KeyIdentifier const wanted{host, key.id.str(), version.str()};
  JsonAnswer as_read(reading->reply.response.body);  // Which was sound.
  ArmCall call;
  call.method = "PATCH";
  call.path = resource.str();
  call.api_version = reading->kind.api_version;
  call.body = reading->kind.name_key(as_read.root(), wanted);
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  co_return ticket_of(*reply, access_.clock().wall_now());
}

asio::awaitable<Result<ChangeProgress>> ResourceManager::progress(std::string operation,
                                                                  Clock::Mono deadline) {
  auto result = co_await operation_progress(access_, std::move(operation), deadline);
  co_return result;
}

}  // namespace azure

std::unique_ptr<ResourceController> make_resource_manager(ApiClient& client, CredentialSource& credentials,
                                                          Clock& clock, Random& random,
                                                          ResourceManagerOptions options) {
  return std::make_unique<azure::ResourceManager>(client, credentials, clock, random, std::move(options));
}

ApiLimits arm_default_limits() {
  ApiLimits limits;
  limits.requests_per_second = 0;
  limits.in_flight_max = 8;
  return limits;
}

}  // namespace rekeyd::providers

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

ResourceKind const* kind_of(ResourceId const& resource) {
  auto const id = ArmId::parse(resource.str());
  return id ? resource_kind_of(*id) : nullptr;
}

}  // namespace

std::chrono::seconds ResourceManager::following_lag(Registration const& resource) const {
  ResourceKind const* const kind = kind_of(resource.resource);
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
  ResourceKind const* const kind = kind_of(resource);
  if (kind == nullptr) {
    co_return std::unexpected(no_such_resource(resource, "it is nothing that uses a root key by itself"));
  }
  ArmCall call;
  call.path = fmt::format("{}{}", resource.str(), kind->key_place);
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

Result<KeyIdentifier> ResourceManager::named(ResourceId const& resource, KeyRef const& key,
                                             VersionId const& version) const {
  std::string host = host_of(key);
  if (host.empty()) {
    return std::unexpected(no_such_resource(resource, "no vault is configured for the key " + key.text()));
  }
  return KeyIdentifier{std::move(host), key.id.str(), version.str()};
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::change(ArmCall call, Clock::Mono deadline) {
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  co_return ticket_of(*reply, access_.clock().wall_now());
}

asio::awaitable<Result<bool>> ResourceManager::is_prepared(ResourceId resource, KeyRef key, VersionId version,
                                                           Clock::Mono deadline) {
  ResourceKind const* const kind = kind_of(resource);
  bool const ready = kind == nullptr || kind->preparation == nullptr;
  if (ready) co_return true;
  auto const wanted = named(resource, key, version);
  if (!wanted) co_return std::unexpected(wanted.error());
  ArmCall call;
  call.path = resource.str() + kind->preparation(*wanted).below;
  call.api_version = kind->api_version;
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (reply) co_return true;
  bool const missing = reply.error().error_class == ErrorClass::not_found;
  if (missing) co_return false;
  co_return std::unexpected(reply.error());
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::prepare(ResourceId resource, KeyRef key,
                                                               VersionId version, Clock::Mono deadline) {
  ResourceKind const* const kind = kind_of(resource);
  bool const ready = kind == nullptr || kind->preparation == nullptr;
  if (ready) co_return ChangeTicket{};
  auto const wanted = named(resource, key, version);
  if (!wanted) co_return std::unexpected(wanted.error());
  Preparation preparation = kind->preparation(*wanted);
  ArmCall call;
  call.method = "PUT";
  call.path = resource.str() + preparation.below;
  call.api_version = kind->api_version;
  call.body = std::move(preparation.body);
  auto ticket = co_await change(std::move(call), deadline);
  co_return ticket;
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::move(ResourceId resource, KeyRef key,
                                                            VersionId version, Clock::Mono deadline) {
  auto const reading = co_await read(resource, deadline);
  if (!reading) co_return std::unexpected(reading.error());
  ResourceKind const& kind = reading->kind;
  if (kind.name_key == nullptr) {
    co_return std::unexpected(no_such_resource(resource, "it is nothing that can be told a version"));
  }
  auto const wanted = named(resource, key, version);
  if (!wanted) co_return std::unexpected(wanted.error());
  JsonAnswer as_read(reading->reply.response.body);  // Which was sound.
  ArmCall call;
  call.method = kind.method;
  call.path = fmt::format("{}{}", resource.str(), kind.key_place);
  call.api_version = kind.api_version;
  call.body = kind.name_key(as_read.root(), *wanted);
  auto ticket = co_await change(std::move(call), deadline);
  co_return ticket;
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

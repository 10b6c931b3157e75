#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"
#include "providers/http/transport.hpp"
#include "providers/kms_provider.hpp"
#include "providers/resource_controller.hpp"
#include "providers/system/clock.hpp"
#include "providers/system/random.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace rekeyd::daemon {

/// What we last learned of a provider instance as a whole.
struct ProviderHealth {
  bool reachable{};
  std::string last_error;  ///< Empty when all is well. Of a reachable provider: an entry that made no sense.
  std::optional<Instant> last_inventory;  ///< Last complete one.
  std::size_t keys{};
};

/// What we last learned of the resources that a provider instance looks after.
struct ResourceHealth {
  std::optional<Instant> last_survey;  ///< When the last complete one of this life began.
  std::string last_error;              ///< Of the newest survey; empty when all is well.
  std::set<KeyRef> unplaced;           ///< Keys that it has shown in use before any inventory had read them.
};

/// One configured provider instance with everything its calls go through. Members are declared in the order
/// in which they need each other.
struct ProviderInstance {
  config::ProviderKind kind{};
  std::unique_ptr<providers::ApiClient> token_api;  ///< Calls to the token endpoint: limits of their own.
  std::unique_ptr<providers::CredentialSource> credentials;
  std::unique_ptr<providers::ApiClient> api;
  std::unique_ptr<providers::KmsProvider> kms;
  std::unique_ptr<providers::ApiClient> resource_api;  ///< Another service, with limits of its own; or null.
  std::unique_ptr<providers::ResourceController> resources;  ///< Null: the entry names no resources.
  ProviderHealth health;
  ResourceHealth resource_health;
};

using ProviderInstances = std::map<ProviderName, std::unique_ptr<ProviderInstance>>;

/// Puts all instances together from the settings: resources of one may use keys of another. Reads secrets by
/// reference; the error names the file and what is wrong with it. `transport`, `clock` and `random` must
/// outlive the instances.
Result<ProviderInstances> make_provider_instances(config::Settings const& settings,
                                                  providers::HttpTransport& transport,
                                                  providers::Clock& clock, providers::Random& random);

}  // namespace rekeyd::daemon

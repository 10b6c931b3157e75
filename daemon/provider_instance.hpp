#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"
#include "providers/http/transport.hpp"
#include "providers/kms_provider.hpp"
#include "providers/system/clock.hpp"
#include "providers/system/random.hpp"

#include <memory>
#include <optional>
#include <string>

namespace rekeyd::daemon {

/// What we last learned of a provider instance as a whole.
struct ProviderHealth {
  bool reachable{};
  std::string last_error;  ///< Empty when all is well. Of a reachable provider: an entry that made no sense.
  std::optional<Instant> last_inventory;  ///< Last complete one.
  std::size_t keys{};
};

/// One configured provider instance with everything its calls go through. Members are declared in the order
/// in which they need each other.
struct ProviderInstance {
  config::ProviderKind kind{};
  std::unique_ptr<providers::ApiClient> token_api;  ///< Calls to the token endpoint: limits of their own.
  std::unique_ptr<providers::CredentialSource> credentials;
  std::unique_ptr<providers::ApiClient> api;
  std::unique_ptr<providers::KmsProvider> kms;
  ProviderHealth health;
};

/// Puts one instance together from its settings. Reads its secret by reference; the error names the file and
/// what is wrong with it. `transport`, `clock` and `random` must outlive the instance.
Result<std::unique_ptr<ProviderInstance>> make_provider_instance(config::ProviderSettings const& settings,
                                                                 providers::HttpTransport& transport,
                                                                 providers::Clock& clock,
                                                                 providers::Random& random);

}  // namespace rekeyd::daemon

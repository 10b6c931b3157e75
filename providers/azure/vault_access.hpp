#pragma once
#include "policy/error.hpp"
#include "policy/names.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/auth/key_vault_challenge.hpp"
#include "providers/azure/azure_kind.hpp"
#include "providers/azure/vault_limits.hpp"
#include "providers/http/api_client.hpp"
#include "providers/kms_provider.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace rekeyd::providers {

/// One vault or HSM pool.
struct VaultAddress {
  VaultName name;
  Endpoint endpoint;
};

namespace azure {

/// One request to the keys API.
struct VaultCall {
  std::string method{"GET"};
  std::string path;    ///< "/keys/cmk/rotate"; api-version is added.
  std::string target;  ///< Instead of path: complete with query, from a nextLink.
  Body body;
  Repeatable repeatable{Repeatable::yes};
};

/// A 200, with what proves the call.
struct VaultReply {
  HttpResponse response;
  Evidence evidence;
  /// "GET https://kv1.vault.azure.net/keys/cmk (api-version 7.5)": for errors about the body.
  std::string where;
};

/// Authenticated calls to the vaults of one provider instance.
///
/// The first call to a vault is a bare probe (no token, no body): it brings the 401 whose challenge is
/// checked against the vault's own host name and the configured authority, so that neither token nor DEK ever
/// goes to a service that cannot name its resource. From then on each call carries a token. A 401 later drops
/// the token, checks the new challenge and repeats the call once with a fresh token (that answers the claims
/// which the challenge demands); a second 401 is final. Repeating is safe even for rotate: a 401 says that
/// nothing was done.
class VaultAccess {
 public:
  struct Options {
    AzureKind kind{};
    std::string api_version;
    TrustedAuthority authority;           ///< Whose challenges are believed.
    std::shared_ptr<VaultLimits> limits;  ///< Kept by every call; null: none.
  };

  VaultAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
              Options options);

  /// Any status but 200 is an error. `vault` must outlive the call.
  boost::asio::awaitable<Result<VaultReply>> call(VaultAddress const& vault, VaultCall call,
                                                  Clock::Mono deadline);

  /// What kind of key it is decides how much of the limits a call takes.
  void learn_type(VaultAddress const& vault, std::string const& key, KeyType const& type);

  /// "METHOD https://host/path" for errors, query left out (it may hold a skip token of kilobytes).
  static std::string place(VaultAddress const& vault, VaultCall const& call);

 private:
  boost::asio::awaitable<Result<std::string>> resource_of(VaultAddress const& vault, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::string>> probe(VaultAddress const& vault, Clock::Mono deadline);
  boost::asio::awaitable<Result<HttpResponse>> send(VaultAddress const& vault, VaultCall const& call,
                                                    AccessTokenPtr token, std::string request_id,
                                                    Clock::Mono deadline);
  std::string target_of(VaultCall const& call) const;
  HttpRequest build(VaultAddress const& vault, VaultCall const& call, AccessTokenPtr const& token,
                    std::string const& request_id) const;
  Evidence evidence_of(VaultCall const& call, HttpResponse const& response, std::string request_id) const;
  Error refusal(HttpResponse const& response, std::string where) const;

  ApiClient& client_;
  CredentialSource& credentials_;
  Clock& clock_;
  Random& random_;
  Options options_;
  std::map<std::string, std::string> resources_;  // checked resource by host:port
};

}  // namespace azure
}  // namespace rekeyd::providers

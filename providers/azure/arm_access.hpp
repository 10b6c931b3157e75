#pragma once
#include "policy/error.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/azure/api_versions.hpp"
#include "providers/azure/arm_limits.hpp"
#include "providers/http/api_client.hpp"
#include "providers/kms_provider.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rekeyd::providers::azure {

/// One request to Azure Resource Manager.
struct ArmCall {
  std::string method{"GET"};
  std::string path;         ///< "/subscriptions/..."; may carry a query. api-version is added.
  std::string api_version;  ///< Each type of resource has its own; the settings may want another.
  std::string target;       ///< Instead of path: complete with query, from a nextLink or an operation's URL.
  Body body;
  /// no: whoever asks wants to know of each request whose answer never came.
  Repeatable repeatable{Repeatable::yes};
};

/// A success (200, 201, 202 or 204), with what proves the call.
struct ArmReply {
  HttpResponse response;
  Evidence evidence;
  /// "GET https://management.azure.com/subscriptions/.. (api-version 2023-10-02)": for errors about the body.
  std::string where;
};

/// Authenticated calls to Azure Resource Manager. Everything that rekeyd asks of it may be asked again: what
/// it changes is named as it should be, not by how it differs.
class ArmAccess {
 public:
  struct Options {
    Endpoint endpoint;
    std::string audience;               ///< What tokens are asked for: "https://management.azure.com".
    std::shared_ptr<ArmLimits> limits;  ///< Kept as `caller` by every call; null: none.
    ArmLimits::Caller caller;
    ArmApiVersions api_versions;  ///< In the place of those that calls name.
  };
  ArmAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random, Options options);

  boost::asio::awaitable<Result<ArmReply>> call(ArmCall call, Clock::Mono deadline);
  /// All pages of a list, in order. A chain of pages that never ends does end, as an error.
  boost::asio::awaitable<Result<std::vector<ArmReply>>> pages(ArmCall first, Clock::Mono deadline);

  /// The target of an operation's URL, which must lead to the same host: it goes out with our token.
  Result<std::string> operation_target(std::string_view url, std::string const& where) const;
  Clock& clock() const { return clock_; }

 private:
  boost::asio::awaitable<Result<HttpResponse>> send(HttpRequest request, Repeatable repeatable,
                                                    Clock::Mono deadline);
  HttpRequest build(ArmCall const& call, AccessToken const& token, std::string const& request_id) const;
  std::string place(ArmCall const& call) const;

  ApiClient& client_;
  CredentialSource& credentials_;
  Clock& clock_;
  Random& random_;
  Options options_;
};

}  // namespace rekeyd::providers::azure

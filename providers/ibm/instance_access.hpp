#pragma once
#include "policy/error.hpp"
#include "policy/names.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"
#include "providers/ibm/flavour.hpp"
#include "providers/kms_provider.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace rekeyd::providers {

/// One service instance.
struct InstanceAddress {
  VaultName name;
  std::string id;  ///< Its GUID: the Bluemix-Instance header.
  Endpoint endpoint;
  std::string key_ring;  ///< Only this ring; empty: all that may be seen.
};

namespace ibm {

/// One request under /api/v2.
struct InstanceCall {
  std::string method{"GET"};
  std::string path;          ///< "/api/v2/keys/ID/versions"
  std::string query;         ///< Without '?', percent-encoded; may be empty.
  std::string content_type;  ///< "application/vnd.ibm.kms.key_action_rotate+json"; empty without a body.
  Body body;
  Repeatable repeatable{Repeatable::yes};
};

/// A 2xx, with what proves the call.
struct InstanceReply {
  HttpResponse response;
  Evidence evidence;
  std::string where;  ///< "GET https://eu-de.kms.cloud.ibm.com/api/v2/keys/ID (instance NAME)"
};

/// Authenticated calls to the instances of one provider instance. A 401 renews the token once and repeats the
/// call once (a 401 says that nothing was done, so even a rotate may be repeated); a second 401 is final,
/// since it also stands for a wrong region, an unknown instance and network rules.
class InstanceAccess {
 public:
  InstanceAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                 IbmFlavour const& flavour);

  /// Any status but 2xx is an error. `instance` must outlive the call.
  boost::asio::awaitable<Result<InstanceReply>> call(InstanceAddress const& instance, InstanceCall call,
                                                     Clock::Mono deadline);

 private:
  HttpRequest build(InstanceAddress const& instance, InstanceCall const& call, AccessToken const& token,
                    std::string const& correlation_id) const;

  ApiClient& client_;
  CredentialSource& credentials_;
  Clock& clock_;
  Random& random_;
  IbmFlavour const& flavour_;
};

}  // namespace ibm
}  // namespace rekeyd::providers

#pragma once
#include "tests/simulator/cloud.hpp"

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <vector>

/// A bare HTTP caller of the model, with a clock that the test moves: it knows nothing of the service's
/// rules, so that the tests can break them.
namespace rekeyd::sim::test {

struct Reply {
  unsigned status{};
  Headers headers;
  std::string text;
  boost::json::value json;  ///< Null when the body is not JSON.

  std::string header(std::string const& name) const;
  /// The string at a path of members, "error/innererror/code"; empty when it is not there.
  std::string at(std::string const& path) const;
  /// The value at a path, or null.
  boost::json::value value(std::string const& path) const;
};

inline constexpr char const* tenant = "11111111-2222-4333-8444-555555555555";
inline constexpr char const* client = "66666666-7777-4888-8999-000000000001";
inline constexpr char const* secret = "s3cret";

class AzureCaller {
 public:
  /// `vaults` is the YAML of the `vaults:` list, `extra` what else stands in the azure section, `top` at the
  /// top.
  explicit AzureCaller(std::string const& vaults, std::string const& extra = {}, std::string const& top = {});

  /// With a fresh token for the host's kind of vault. `target` without api-version gets 7.5.
  Reply get(std::string const& target);
  Reply post(std::string const& target, boost::json::value const& body = nullptr);
  Reply put(std::string const& target, boost::json::value const& body);
  Reply patch(std::string const& target, boost::json::value const& body);
  Reply remove(std::string const& target);

  /// Exactly what is given: no token, no api-version.
  Delivery raw(std::string const& method, std::string const& url_host, std::string const& target,
               std::string const& body = {}, Headers headers = {});
  static Reply reply(Delivery const& delivery);
  std::string token(std::string const& resource);
  Reply token_request(std::string const& form, std::string const& in_tenant = tenant);

  /// Follows nextLink as a client does; every entry's member "kid".
  std::vector<std::string> all_kids(std::string const& target);
  /// The version id at the end of a bundle's kid.
  static std::string version_of(Reply const& reply);

  void use(std::string const& url_host) { host_ = url_host; }
  void wait(std::chrono::seconds time) { now += time; }

  Instant now;
  std::unique_ptr<Cloud> cloud;

 private:
  Reply call(std::string const& method, std::string const& target, boost::json::value const& body);
  std::string host_{"kv1.vault.azure.net"};
};

/// The instant at which every test begins: 2026-01-31T12:00:00Z.
Instant beginning();

/// A vault "kv1" or a pool "hsm1" with the keys of a YAML list (indented by two).
std::string vault_with(std::string const& keys);
std::string hsm_with(std::string const& keys);

}  // namespace rekeyd::sim::test

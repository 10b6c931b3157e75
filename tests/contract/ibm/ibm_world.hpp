#pragma once
#include "tests/simulator/ibm/services.hpp"
#include "tests/simulator/mistakes.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

inline constexpr auto kp = "0a0a0a0a-0000-4000-8000-000000000001";
inline constexpr auto dedicated = "0a0a0a0a-0000-4000-8000-000000000002";
inline constexpr auto hpcs = "0a0a0a0a-0000-4000-8000-000000000003";
inline constexpr auto root = "0b0b0b0b-0000-4000-8000-000000000001";  ///< A key id for worlds to use.

/// What came back.
struct Reply {
  unsigned status{};
  Headers headers;
  std::string text;
  json::value body;

  std::string header(std::string_view name) const;
  /// resources[i], which must be there.
  json::object const& resource(std::size_t i = 0) const;
  /// How many resources; 0 when the member is missing, null or empty.
  std::size_t count() const;
  json::object const& metadata() const;
  /// resources[0].reasons[0].code, or empty.
  std::string code() const;
  std::string message() const;
  /// A member of a flat body.
  std::string text_at(std::string_view pointer) const;
};

/// The IBM services of a small world in virtual time, and a client that holds a token for them.
class IbmWorld {
 public:
  /// Three instances (`kp`, `dedicated`, `hpcs`); `keys` is the YAML list of kp's keys, one line of flow
  /// style per entry; `more` goes to the kp instance, e.g. "oddities: { dates: mixed }".
  explicit IbmWorld(std::string const& keys = "[]", std::string const& more = "");
  /// A world file's whole `ibm:` section.
  static IbmWorld from_section(std::string const& yaml);

  Instant now;

  /// Signs in with that API key. The constructor did so with "manager-key".
  IbmWorld& as(std::string const& api_key);
  IbmWorld& at_instance(std::string_view id);
  IbmWorld& under_host(std::string host);
  void pass(std::chrono::seconds time) { now += time; }

  Reply get(std::string const& path) { return send("GET", path, {}); }
  Reply post(std::string const& path, std::string const& body = "") { return send("POST", path, body); }
  Reply put(std::string const& path, std::string const& body) { return send("PUT", path, body); }
  Reply patch(std::string const& path, std::string const& body) { return send("PATCH", path, body); }
  Reply remove(std::string const& path) { return send("DELETE", path, {}); }
  /// `path` is under /api/v2. `headers` are added to the usual ones, or take their place.
  Reply send(std::string const& method, std::string const& path, std::string const& body,
             Headers const& headers = {});
  Reply raw(Request const& request);
  Request request(std::string const& method, std::string const& path, std::string const& body,
                  Headers const& headers = {}) const;

  /// POST /identity/token.
  Reply sign_in(std::string const& form);

  /// A new generated root key's id.
  std::string create_root_key(std::string const& name = "root-key");
  std::string current_version(std::string const& key);
  /// A wrapped DEK with its plaintext, both base64.
  struct Dek {
    std::string wdek, plaintext;
  };
  Dek wrap(std::string const& key);

  Service& iam() { return *services_.at(0); }
  Service& kms() { return *services_.at(1); }

 private:
  struct Whole {};
  IbmWorld(Whole, std::string const& yaml);

  std::unique_ptr<Randomness> random_;
  std::unique_ptr<RsaPool> pool_;
  std::vector<std::unique_ptr<Service>> services_;
  std::string token_;
  std::string instance_{kp};
  std::string host_{"us-south.kms.cloud.ibm.com"};
};

/// The mistakes that reading such a section gives.
std::vector<Mistake> mistakes_of(std::string const& yaml);

/// A body in the collection envelope.
std::string envelope(std::string const& resource);

}  // namespace rekeyd::sim::ibm

#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/azure/entra_client.hpp"
#include "tests/simulator/crypto.hpp"

#include <map>
#include <optional>
#include <string>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::azure {

struct JsonWebToken;

/// Why an assertion is not taken: the number after "AADSTS" and the text after that.
struct Objection {
  long code;
  std::string message;
};

/// Judges the tokens that stand in place of a client secret, and makes those of other issuers. Unconfirmed:
/// the numbers that refuse a second use (50012), a wrong audience (700023) and a certificate out of its time
/// (1000502); that five minutes of difference between clocks are forgiven; and that an assertion is good
/// once, as its identifier would have it. Microsoft's own libraries use one again until it ends, so that can
/// be allowed.
class Assertions {
 public:
  explicit Assertions(Randomness& random) : random_(random) {}
  void allow_reuse() { once_ = false; }

  /// Nothing when `text` proves that the caller is this client. `url` is where it was sent: what an assertion
  /// of the client's own must be made out to.
  std::optional<Objection> objection(std::string const& client_id, EntraClient const& client,
                                     std::string const& text, std::string const& url, Instant now);

  struct FederatedToken {
    std::string issuer, subject, audience;
    std::chrono::seconds lifetime;
    bool forged{false};  ///< Signed by somebody else than the issuer.
  };
  std::string make_token(FederatedToken const& wanted, Instant now);

 private:
  std::optional<Objection> of_certificate(EntraClient const& client, JsonWebToken const& token,
                                          std::string const& url, Instant now);
  std::optional<Objection> of_federation(EntraClient const& client, JsonWebToken const& token);
  std::optional<Objection> second_use(JsonWebToken const& token, Instant now);
  RsaKey const& key_of(std::string const& issuer);

  Randomness& random_;
  bool once_{true};
  std::map<std::string, RsaKey> issuers_;  ///< Each issuer's key, made when first needed.
  std::map<std::string, Instant> used_;    ///< Identifiers of assertions, until their end.
};

}  // namespace rekeyd::sim::azure

#include "providers/auth/client_proof.hpp"

#include "providers/auth/client_certificate.hpp"
#include "providers/auth/secret_file.hpp"

#include <algorithm>

namespace rekeyd::providers {
namespace {

constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

void add_assertion(TokenForm& form, Secret const& assertion) {
  form.add("client_assertion_type", assertion_type).add("client_assertion", assertion);
}

class SecretProof final : public ClientProof {
 public:
  explicit SecretProof(Secret client_secret) : client_secret_(std::move(client_secret)) {}
  Result<void> add_to(TokenForm& form, std::string const&, std::string const&) override {
    form.add("client_secret", client_secret_);
    return {};
  }

 private:
  Secret client_secret_;
};

class CertificateProof final : public ClientProof {
 public:
  CertificateProof(std::filesystem::path pem_file, AssertionForm form, Clock& clock, Random& random)
      : pem_file_(std::move(pem_file)), form_(form), clock_(clock), random_(random) {}

  Result<void> add_to(TokenForm& form, std::string const& client_id, std::string const& token_url) override {
    auto const certificate = read_client_certificate(pem_file_);
    if (!certificate) return std::unexpected(certificate.error());
    auto const now = clock_.wall_now();
    if (auto const valid = certificate->valid_at(now); !valid) return valid;
    AssertionClaims const claims{token_url, client_id, random_.uuid(), now};
    auto const assertion = make_client_assertion(*certificate, form_, claims);
    if (!assertion) return std::unexpected(assertion.error());
    add_assertion(form, *assertion);
    return {};
  }

 private:
  std::filesystem::path pem_file_;
  AssertionForm form_;
  Clock& clock_;
  Random& random_;
};

// Three base64url parts: anything else would only be refused, and may be some other secret.
bool is_jwt(std::string_view text) {
  auto const fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return std::ranges::all_of(text, fits) && std::ranges::count(text, '.') == 2 && !text.starts_with('.') &&
         !text.ends_with('.');
}

class FederatedProof final : public ClientProof {
 public:
  explicit FederatedProof(std::filesystem::path token_file) : token_file_(std::move(token_file)) {}

  Result<void> add_to(TokenForm& form, std::string const&, std::string const&) override {
    auto const token = read_secret_file(token_file_, CredentialShape::projected_token);
    if (!token) return std::unexpected(token.error());
    if (!is_jwt(token->reveal())) {
      Error error;
      error.error_class = ErrorClass::access;
      error.delivery = Delivery::not_sent;
      error.what = "the federated token file holds no JSON web token";
      error.where = token_file_.string();
      error.remedy = "name the file that the token's issuer writes";
      return std::unexpected(std::move(error));
    }
    add_assertion(form, *token);
    return {};
  }

 private:
  std::filesystem::path token_file_;
};

}  // namespace

std::unique_ptr<ClientProof> make_secret_proof(Secret client_secret) {
  return std::make_unique<SecretProof>(std::move(client_secret));
}

Result<std::unique_ptr<ClientProof>> make_certificate_proof(std::filesystem::path pem_file,
                                                            AssertionForm form, Clock& clock,
                                                            Random& random) {
  auto const certificate = read_client_certificate(pem_file);
  if (!certificate) return std::unexpected(certificate.error());
  return std::make_unique<CertificateProof>(std::move(pem_file), form, clock, random);
}

std::unique_ptr<ClientProof> make_federated_proof(std::filesystem::path token_file) {
  return std::make_unique<FederatedProof>(std::move(token_file));
}

}  // namespace rekeyd::providers

#include "config/policy_digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace rekeyd::config {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  // OpenSSL without SHA-256 is a broken installation; nothing of ours works there.
  static void check(bool done) {
    if (!done) throw std::runtime_error("OpenSSL refused to compute a SHA-256");
  }
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

}  // namespace

std::string policy_digest(std::span<PolicyText const> files) {
  Sha256 digest;
  constexpr std::string_view nul("\0", 1);
  for (PolicyText const& file : files) {
    digest.add(file.name);
    digest.add(nul);
    digest.add(std::to_string(file.bytes.size()));
    digest.add(nul);
    digest.add(file.bytes);
  }
  return digest.hex();
}

}  // namespace rekeyd::config

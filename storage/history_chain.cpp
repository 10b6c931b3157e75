#include "storage/history_chain.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace rekeyd::storage {

namespace {

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((number >> shift) & 0xff);
}

void append_text(std::string& out, std::optional<std::string_view> text) {
  append_number(out, text ? text->size() : ~std::uint64_t{0});
  if (text) out += *text;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void canonical_bytes(Digest const& previous, ChainedEvent const& event, std::string& out) {
  out.assign("rekeyd history event 1\n");
  for (std::uint8_t const byte : previous) out += static_cast<char>(byte);
  append_number(out, static_cast<std::uint64_t>(event.sequence));
  append_number(out, static_cast<std::uint64_t>(event.at));
  append_text(out, event.kind);
  append_text(out, event.outcome);
  append_text(out, event.provider);
  append_text(out, event.vault);
  append_text(out, event.key_id);
  append_text(out, event.version);
  append_text(out, event.policy);
  append_text(out, event.rotation);
  append_text(out, event.step);
  append_text(out, event.actor);
  append_text(out, event.sentence);
  append_text(out, event.error_code);
  append_text(out, event.request_id);
  append_text(out, event.details);
}

struct ChainHasher::Context {
  struct Free {
    void operator()(EVP_MD* fetched) const { EVP_MD_free(fetched); }
    void operator()(EVP_MD_CTX* made) const { EVP_MD_CTX_free(made); }
  };
  // Fetched once: looking the algorithm up costs more than hashing an event.
  std::unique_ptr<EVP_MD, Free> md{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, Free> hashing{EVP_MD_CTX_new()};
};

ChainHasher::ChainHasher() : context_(std::make_unique<Context>()) {
  if (!context_->md || !context_->hashing) {
    throw std::runtime_error("OpenSSL offers no SHA-256: check openssl.cnf and OPENSSL_CONF");
  }
}

ChainHasher::~ChainHasher() = default;

Digest ChainHasher::operator()(Digest const& previous, ChainedEvent const& event) {
  canonical_bytes(previous, event, bytes_);
  Digest digest{};
  unsigned size = 0;
  bool const hashed = EVP_DigestInit_ex2(context_->hashing.get(), context_->md.get(), nullptr) == 1 &&
                      EVP_DigestUpdate(context_->hashing.get(), bytes_.data(), bytes_.size()) == 1 &&
                      EVP_DigestFinal_ex(context_->hashing.get(), digest.data(), &size) == 1;
  if (!hashed || size != digest.size()) throw std::runtime_error("OpenSSL's SHA-256 failed");
  return digest;
}

std::string to_hex(Digest const& digest) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (std::uint8_t const byte : digest) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

std::optional<Digest> parse_digest(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    int const high = nibble(hex[2 * i]);
    int const low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace rekeyd::storage

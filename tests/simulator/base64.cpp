#include "tests/simulator/crypto.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace rekeyd::sim {

std::string base64(std::string_view data) {
  std::string text((data.size() + 2) / 3 * 4 + 1, '\0');
  int const size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<unsigned char const*>(data.data()), static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  // EVP_DecodeBlock forgives white space and padding anywhere; a KMS does not.
  auto const padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  if (text.size() % 4 != 0 || padding > 2 || text.find_first_of(" \t\r\n\f\v") != std::string_view::npos ||
      text.substr(0, text.size() - padding).find('=') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string data(text.size() / 4 * 3 + 1, '\0');
  int const size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(data.data()),
                      reinterpret_cast<unsigned char const*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  data.resize(static_cast<std::size_t>(size) - padding);
  return data;
}

std::string base64url(std::string_view data) {
  std::string text = base64(data);
  text.erase(std::min(text.size(), text.find_last_not_of('=') + 1));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/") != std::string_view::npos) return std::nullopt;
  std::string ordinary(text.substr(0, text.find('=')));
  if (text.size() - ordinary.size() > 2 || ordinary.size() % 4 == 1) return std::nullopt;
  std::ranges::replace(ordinary, '-', '+');
  std::ranges::replace(ordinary, '_', '/');
  ordinary.append((4 - ordinary.size() % 4) % 4, '=');
  return from_base64(ordinary);
}

}  // namespace rekeyd::sim

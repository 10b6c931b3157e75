#include "providers/encoding.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace rekeyd::providers {
namespace {

namespace urls = boost::urls;

enum class Alphabet { standard, url };

int openssl_length(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()) / 2)
    throw std::length_error("more bytes than one base64 text may carry");
  return static_cast<int>(size);
}

// Text is any string type: what it allocates with decides whether it is wiped.
template <class Text>
void append_encoded(Text& out, std::string_view bytes, Alphabet alphabet) {
  if (bytes.empty()) return;
  auto const old_size = out.size();
  // EVP_EncodeBlock closes with a zero byte of its own.
  out.resize(old_size + 4 * ((bytes.size() + 2) / 3) + 1);
  auto const written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + old_size),
                      reinterpret_cast<unsigned char const*>(bytes.data()), openssl_length(bytes.size()));
  out.resize(old_size + static_cast<std::size_t>(written));
  if (alphabet == Alphabet::standard) return;
  auto const from = out.begin() + static_cast<std::ptrdiff_t>(old_size);
  std::replace(from, out.end(), '+', '-');
  std::replace(from, out.end(), '/', '_');
  out.erase(out.find_last_not_of('=') + 1);
}

bool in_alphabet(char c, Alphabet alphabet) {
  if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return true;
  return alphabet == Alphabet::url ? c == '-' || c == '_' : c == '+' || c == '/';
}

std::optional<std::string_view> without_padding(std::string_view text) {
  auto const end = text.find_last_not_of('=') + 1;
  auto const padding = text.size() - end;
  if (padding > 2 || (padding != 0 && text.size() % 4 != 0)) return std::nullopt;
  return text.substr(0, end);
}

// The text as EVP_DecodeBlock wants it: standard alphabet, whole groups of four.
std::optional<Body> canonical(std::string_view text, Alphabet alphabet) {
  auto const symbols = without_padding(text);
  if (!symbols || symbols->size() % 4 == 1) return std::nullopt;
  if (!std::ranges::all_of(*symbols, [alphabet](char c) { return in_alphabet(c, alphabet); }))
    return std::nullopt;
  Body block(*symbols);
  std::ranges::replace(block, '-', '+');
  std::ranges::replace(block, '_', '/');
  block.resize((block.size() + 3) / 4 * 4, '=');
  return block;
}

// `out` has room for three bytes a group; the zeros that padding stands for are written too.
bool decode_block(Body const& block, unsigned char* out) {
  return EVP_DecodeBlock(out, reinterpret_cast<unsigned char const*>(block.data()),
                         openssl_length(block.size())) >= 0;
}

std::size_t decoded_size(Body const& block) {
  return block.size() / 4 * 3 - static_cast<std::size_t>(std::ranges::count(block, '='));
}

std::optional<std::string> decoded(std::string_view text, Alphabet alphabet) {
  auto const block = canonical(text, alphabet);
  if (!block) return std::nullopt;
  std::string out(block->size() / 4 * 3, '\0');
  if (!decode_block(*block, reinterpret_cast<unsigned char*>(out.data()))) return std::nullopt;
  out.resize(decoded_size(*block));
  return out;
}

std::optional<Secret> decoded_secret(std::string_view text, Alphabet alphabet) {
  auto const block = canonical(text, alphabet);
  if (!block) return std::nullopt;
  auto room = Secret::of_size(block->size() / 4 * 3);
  if (!decode_block(*block, reinterpret_cast<unsigned char*>(room.writable().data()))) return std::nullopt;
  return Secret(room.reveal().substr(0, decoded_size(*block)));
}

urls::string_view as_url_view(std::string_view text) { return {text.data(), text.size()}; }

template <class Text>
void append_percent(Text& out, std::string_view text) {
  auto const old_size = out.size();
  auto const size = urls::encoded_size(as_url_view(text), urls::unreserved_chars);
  out.resize(old_size + size);
  urls::encode(out.data() + old_size, size, as_url_view(text), urls::unreserved_chars);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  append_encoded(out, bytes, Alphabet::standard);
  return out;
}

std::string to_base64url(std::string_view bytes) {
  std::string out;
  append_encoded(out, bytes, Alphabet::url);
  return out;
}

std::optional<std::string> from_base64(std::string_view text) { return decoded(text, Alphabet::standard); }
std::optional<std::string> from_base64url(std::string_view text) { return decoded(text, Alphabet::url); }

void append_base64(Body& out, Secret const& secret) {
  append_encoded(out, secret.reveal(), Alphabet::standard);
}
void append_base64url(Body& out, Secret const& secret) {
  append_encoded(out, secret.reveal(), Alphabet::url);
}

std::optional<Secret> secret_from_base64(std::string_view text) {
  return decoded_secret(text, Alphabet::standard);
}
std::optional<Secret> secret_from_base64url(std::string_view text) {
  return decoded_secret(text, Alphabet::url);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  append_percent(out, text);
  return out;
}

void append_percent_encoded(Body& out, std::string_view text) { append_percent(out, text); }

}  // namespace rekeyd::providers

// RAND_METHOD is what OpenSSL 3.0 calls deprecated, and the one door to every draw of the default providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/simulation/openssl_randomness.hpp"

#include "tests/simulator/randomness.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <optional>
#include <stdexcept>

namespace rekeyd::simulation {

namespace {

std::optional<sim::Randomness> stream;

int draw(unsigned char* out, int size) {
  std::string const bytes = stream->bytes(static_cast<std::size_t>(size));
  std::memcpy(out, bytes.data(), bytes.size());
  return 1;
}

int ready() { return 1; }

}  // namespace

void seed_openssl(std::uint64_t seed) {
  static RAND_METHOD const method{nullptr, &draw, nullptr, nullptr, &draw, &ready};
  stream.emplace(seed);
  if (RAND_set_rand_method(&method) != 1) throw std::runtime_error("OpenSSL takes no other randomness");
}

}  // namespace rekeyd::simulation

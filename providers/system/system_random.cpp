#include "providers/system/system_random.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace rekeyd::providers {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    constexpr std::size_t piece_max = std::numeric_limits<int>::max();
    while (!out.empty()) {
      auto const piece = out.first(std::min(out.size(), piece_max));
      if (RAND_bytes(reinterpret_cast<unsigned char*>(piece.data()), static_cast<int>(piece.size())) != 1)
        throw std::runtime_error("the system gives no random numbers");
      out = out.subspan(piece.size());
    }
  }
};

}  // namespace

std::unique_ptr<Random> make_system_random() { return std::make_unique<SystemRandom>(); }

}  // namespace rekeyd::providers

#pragma once
#include "providers/system/random.hpp"

#include <memory>

namespace rekeyd::providers {

/// OpenSSL's random generator. fill() throws std::runtime_error if the system cannot give randomness, which
/// no program can go on from.
std::unique_ptr<Random> make_system_random();

}  // namespace rekeyd::providers

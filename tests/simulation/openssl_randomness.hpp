#pragma once
#include <cstdint>

namespace rekeyd::simulation {

/// From here on OpenSSL draws from this seed, in the whole process and for good: paddings and IVs are the
/// same in every run. Nothing in such a process is secret.
void seed_openssl(std::uint64_t seed);

}  // namespace rekeyd::simulation

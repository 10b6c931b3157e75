#include "tests/providers/material/material_samples.hpp"

namespace rekeyd::test {

namespace {

/// Outlives every source: a source's thread may hold on to the loop for a moment after its answer.
boost::asio::io_context& loop() {
  static boost::asio::io_context io(1);
  io.restart();
  return io;
}

}  // namespace

providers::MaterialWanted wanted(KeyAlgorithm algorithm, unsigned bits) {
  KeyRef const key{ProviderName("azure-prod"), VaultName("payments"), KeyId("cmk")};
  return {key, {algorithm, bits, Protection::hsm}};
}

Result<providers::KeyMaterialPtr> drawn(providers::MaterialSource& source,
                                        providers::MaterialWanted const& wanted) {
  return run_coroutine(loop(), source.draw(wanted, providers::Clock::Mono::max()));
}

Result<providers::KeyMaterialPtr> seen(providers::MaterialSource& source,
                                       providers::MaterialWanted const& wanted) {
  return run_coroutine(loop(), source.look(wanted, providers::Clock::Mono::max()));
}

}  // namespace rekeyd::test

#include "tests/rehearsal/rehearse.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>

using namespace rekeyd;
using namespace rekeyd::rehearsal;
using rekeyd::test::SmallFleet;

namespace {

Instant at(char const* text) { return parse_rfc3339(text).value(); }

/// Half of them at Azure, half at IBM, made evenly over the half year before.
std::vector<storage::StoredKey> many_keys(std::size_t count) {
  std::vector<storage::StoredKey> keys;
  auto const created = [](std::size_t i) {
    return at("2026-08-20T00:00:00Z") + std::chrono::minutes(430 * i);
  };
  for (std::size_t i = 0; i < count; ++i) {
    bool const azure = i % 2 == 0;
    storage::StoredKey stored;
    RootKey& key = stored.key;
    key.ref = azure ? KeyRef{ProviderName("azure-prod"), VaultName("payments-eu"),
                             KeyId(fmt::format("cmk-{:05}", i))}
                    : KeyRef{ProviderName("ibm-prod"), VaultName("kp-main"),
                             KeyId(fmt::format("0b0b0b0b-0000-4000-8000-{:012}", i))};
    key.name = key.ref.id.str();
    key.type = azure ? KeyType{KeyAlgorithm::rsa, 2048, Protection::software}
                     : KeyType{KeyAlgorithm::aes, 256, Protection::hsm};
    key.key_ring = azure ? "" : "default";
    if (azure) key.operations = {"decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"};
    KeyVersion version;
    version.id = VersionId(azure ? fmt::format("{:032x}", i + 1) : key.ref.id.str());
    version.created = created(i);
    key.current = version.id;
    key.current_created = version.created;
    stored.versions = {version};
    stored.first_seen = stored.last_seen = at("2026-11-20T00:00:00Z");
    keys.push_back(std::move(stored));
  }
  return keys;
}

}  // namespace

TEST_CASE("three hundred keys for a year") {
  constexpr std::size_t keys = 300;
  SmallFleet const fleet(many_keys(keys));
  Order order;
  order.settings = fleet.settings();
  order.database = fleet.database();
  order.from = at("2026-11-22T00:00:00Z");
  auto const told = rehearse(std::move(order), [](Instant, std::size_t) {});
  if (!told) FAIL(to_text(told.error()));
  auto const document = boost::json::parse(*told);
  CHECK(document.at("summary").at("rotations").to_number<std::size_t>() >= keys);
  CHECK(document.at("summary").at("overdue").to_number<std::size_t>() == 0);
}

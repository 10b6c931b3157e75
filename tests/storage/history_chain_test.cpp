#include "storage/history_chain.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <vector>

// The expected values were computed by another program in another language from the layout in the header
// alone.
namespace rekeyd::storage {

namespace {

ChainedEvent started() {
  ChainedEvent event;
  event.sequence = 1;
  event.at = 1772323200;
  event.kind = "daemon_started";
  event.outcome = "ok";
  event.actor = "rekeyd";
  event.sentence = "rekeyd started";
  event.details = "{}";
  return event;
}

ChainedEvent failed() {
  ChainedEvent event;
  event.sequence = 2;
  event.at = 1772323250;
  event.kind = "step_failed";
  event.outcome = "failed";
  event.provider = "azure-prod";
  event.vault = "payments-eu";
  event.key_id = "cmk-ledger";
  event.version = "v2";
  event.policy = "payments";
  event.rotation = "r-1";
  event.step = "rotate";
  event.actor = "rekeyd";
  event.sentence = "The provider asked us to wait.";
  event.error_code = "Throttled";
  event.request_id = "6d5f-11";
  event.details = R"({"http_status":"429","retry_after_s":"7"})";
  return event;
}

ChainedEvent odd() {
  ChainedEvent event;
  event.sequence = -1;
  event.at = -1;
  event.provider = "";
  event.vault = "";
  event.key_id = "";
  event.version = "";
  event.policy = std::string_view("\0", 1);
  event.rotation = "";
  event.sentence = "\xc3\xa4\xe2\x82\xac";
  event.details = "{}";
  return event;
}

}  // namespace

TEST_CASE("the canonical bytes are those of the documented layout") {
  std::string bytes;
  canonical_bytes(chain_start, started(), bytes);
  std::string hex;
  constexpr char digits[] = "0123456789abcdef";
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  CHECK(hex ==
        "72656b65796420686973746f7279206576656e7420310a000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000010000000069a38180000000000000000e6461656d6f6e5f7374617274656400000000000000"
        "026f6bffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0000000000000000ffffffffffffff"
        "ff0000000000000000000000000000000672656b657964000000000000000e72656b65796420737461727465640000000000"
        "000000000000000000000000000000000000027b7d");
}

TEST_CASE("the chain gives the known hashes") {
  ChainHasher hash;
  Digest const first = hash(chain_start, started());
  Digest const second = hash(first, failed());
  Digest const third = hash(second, odd());
  CHECK(to_hex(first) == "faf92118c1b0967c518f3384681afe75b648e3ba07d68b284c5e43bf4b2450f1");
  CHECK(to_hex(second) == "ef97f10d7c1132c416c57adc2a2be80e3300e7eb098675193a4fcee7b57d96c0");
  CHECK(to_hex(third) == "4da58c59d16325204ff461e1bb66c19f2f5aab8aab2d7e2a30e039fdd41a6dd2");
}

TEST_CASE("a hasher used often gives what a new one gives") {
  ChainHasher used;
  for (int i = 0; i < 100; ++i) (void)used(chain_start, failed());
  CHECK(used(chain_start, started()) == ChainHasher()(chain_start, started()));
}

TEST_CASE("every field of an event counts and none can pass into its neighbour") {
  std::vector<std::function<void(ChainedEvent&)>> const changes = {
      [](auto& e) { e.sequence = 3; },
      [](auto& e) { e.at += 1; },
      [](auto& e) { e.kind = "step_done"; },
      [](auto& e) { e.outcome = "ok"; },
      [](auto& e) { e.provider.reset(); },
      [](auto& e) { e.provider = ""; },
      [](auto& e) { e.vault = "payments-us"; },
      [](auto& e) { e.key_id = "cmk-ledgeR"; },
      [](auto& e) { e.version.reset(); },
      [](auto& e) { e.policy = ""; },
      [](auto& e) { e.rotation = "r-2"; },
      [](auto& e) { e.step = "verify"; },
      [](auto& e) { e.actor = "uid 0 (root)"; },
      [](auto& e) { e.sentence = ""; },
      [](auto& e) { e.error_code = "throttled"; },
      [](auto& e) { e.request_id = "6d5f-12"; },
      [](auto& e) { e.details = "{}"; },
      // The same letters, cut elsewhere.
      [](auto& e) {
        e.provider = "azure-prodp";
        e.vault = "ayments-eu";
      },
  };
  ChainHasher hash;
  std::vector<Digest> seen = {hash(chain_start, failed())};
  for (auto const& change : changes) {
    ChainedEvent event = failed();
    change(event);
    seen.push_back(hash(chain_start, event));
  }
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

TEST_CASE("the hash before counts") {
  ChainHasher hash;
  Digest other = chain_start;
  other.back() = 1;
  CHECK(hash(chain_start, started()) != hash(other, started()));
}

TEST_CASE("digests are read back from hex of either case and from nothing else") {
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(i * 8 + 7);
  std::string const hex = to_hex(digest);
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(hex.size() == 64);
  CHECK(parse_digest(hex) == digest);
  CHECK(parse_digest(upper) == digest);
  CHECK_FALSE(parse_digest(""));
  CHECK_FALSE(parse_digest(hex.substr(1)));
  CHECK_FALSE(parse_digest(hex + "0"));
  CHECK_FALSE(parse_digest("x" + hex.substr(1)));
}

}  // namespace rekeyd::storage

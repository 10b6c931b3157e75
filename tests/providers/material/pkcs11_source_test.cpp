#include "providers/material/pkcs11_source.hpp"

#include "providers/system/system_clock.hpp"
#include "tests/providers/material/material_samples.hpp"
#include "tests/providers/material/soft_hsm.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;
namespace fs = std::filesystem;

namespace {

constexpr char label[] = "azure-prod/payments/cmk";
constexpr char aes_256[] = "0123456789abcdef0123456789ABCDEF";

/// A token and a source on it. Each test has a token of its own.
struct KeyRoom {
  explicit KeyRoom(std::string const& name) : hsm(name) {
    write_pin("1234");
    source = make_pkcs11_source(*clock, {MaterialSourceName("hsm"), hsm.token(), folder.path() / "pin"});
  }

  void write_pin(std::string const& text) {
    folder.write("pin", text);
    fs::permissions(folder.path() / "pin", fs::perms::owner_read | fs::perms::owner_write);
  }
  Result<KeyMaterialPtr> draw(MaterialWanted const& what) {
    io.restart();
    return run_coroutine(io, source->draw(what, clock->mono_now() + std::chrono::seconds(30)));
  }
  std::string refusal(MaterialWanted const& what = wanted(KeyAlgorithm::aes, 256)) {
    auto const got = draw(what);
    if (got) return "none";
    CHECK(got.error().error_class == ErrorClass::permanent);
    CHECK(got.error().delivery == Delivery::not_sent);
    CHECK_FALSE(got.error().remedy.empty());
    CHECK_THAT(to_text(got.error()), !Catch::Contains("1234") && !Catch::Contains("9999"));
    return got.error().code;
  }

  TemporaryFolder folder;
  boost::asio::io_context io{1};
  std::unique_ptr<Clock> clock = make_system_clock();
  SoftHsm hsm;
  std::unique_ptr<MaterialSource> source;
};

/// Without SoftHSM these tests say so, and prove nothing.
bool without_soft_hsm() {
  if (SoftHsm::is_there()) return false;
  WARN("skipped: Debian's package softhsm2 is not installed");
  return true;
}

}  // namespace

TEST_CASE("a token hands out the symmetric key that is labelled with the key's full name", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("symmetric");
  room.hsm.put_aes(label, aes_256);
  room.hsm.put_aes("azure-prod/payments/other", "another key's bytes, all 32 ....");
  auto const got = room.draw(wanted(KeyAlgorithm::aes, 256));
  REQUIRE(got);
  CHECK((*got)->bytes.reveal() == aes_256);
  CHECK((*got)->type.bits == 256);
  CHECK((*got)->fingerprint.starts_with("kcv:"));
  CHECK(room.source->may_repeat());
}

TEST_CASE("a token hands out an RSA key pair, whole", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("pairs");
  room.hsm.put_rsa(label, rsa_pem());
  auto const got = room.draw(wanted(KeyAlgorithm::rsa, 2048));
  REQUIRE(got);
  CHECK((*got)->type.bits == 2048);
  REQUIRE(open_pair(**got));
}

TEST_CASE("a token hands out an elliptic-curve key pair, whole", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("curves");
  room.hsm.put_ec(label, aes_256);
  auto const got = room.draw(wanted(KeyAlgorithm::ec, 256));
  REQUIRE(got);
  CHECK((*got)->fingerprint.starts_with("spki-sha256:"));
  auto const pair = open_pair(**got);
  REQUIRE(pair);
  CHECK(std::string_view(jwk_curve(*pair)->name) == "P-256");
}

TEST_CASE("each reason why a token cannot serve has a name", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("reasons");
  CHECK(room.refusal() == "material_missing");
  room.hsm.put_aes(label, aes_256, SoftHsm::Leave::may_not);
  CHECK(room.refusal() == "material_not_extractable");
  CHECK(room.refusal(wanted(KeyAlgorithm::rsa, 2048)) == "material_missing");
  CHECK(room.refusal(wanted(KeyAlgorithm::ec, 256)) == "material_missing");
  CHECK(room.refusal(wanted(KeyAlgorithm::other, 0)) == "material_unfit");
  room.hsm.put_aes(label, aes_256);
  CHECK(room.refusal() == "material_ambiguous");
  room.hsm.remove(label);
  room.hsm.remove(label);
  room.hsm.put_aes(label, "only 16 bytes...");
  CHECK(room.refusal() == "material_unfit");
}

TEST_CASE("a renewed key on the token is seen without a restart", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("renewed");
  room.hsm.put_aes(label, aes_256);
  auto const first = room.draw(wanted(KeyAlgorithm::aes, 0));
  room.hsm.remove(label);
  room.hsm.put_aes(label, "another key's bytes, all 32 ....");
  auto const second = room.draw(wanted(KeyAlgorithm::aes, 0));
  REQUIRE(first);
  REQUIRE(second);
  CHECK((*first)->fingerprint != (*second)->fingerprint);
}

TEST_CASE("a PIN that was refused is not tried again, and a corrected one is", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("pins");
  room.hsm.put_aes(label, aes_256);
  room.write_pin("9999");
  CHECK(room.refusal() == "pin_refused");
  auto const again = room.draw(wanted(KeyAlgorithm::aes, 256));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == "pin_refused");
  CHECK_THAT(again.error().what, Catch::Contains("not tried again"));
  room.write_pin("1234");
  CHECK(room.draw(wanted(KeyAlgorithm::aes, 256)).has_value());
  fs::remove(room.folder.path() / "pin");
  CHECK(room.refusal() == "pin_unreadable");
}

TEST_CASE("a token that is not there, or no module at all, is told", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("present");
  auto const refused = [&](Pkcs11Token token) {
    room.source = make_pkcs11_source(
        *room.clock, {MaterialSourceName("hsm"), std::move(token), room.folder.path() / "pin"});
    return room.refusal();
  };
  CHECK(refused({SoftHsm::module(), "absent"}) == "token_absent");
  CHECK(refused({"/usr/lib/no-such-module.so", "present"}) == "pkcs11_module_unusable");
  CHECK(refused({"libc.so.6", "present"}) == "pkcs11_module_unusable");
}

TEST_CASE("a token that does not answer in time is given up, and the loop goes on", "[softhsm]") {
  if (without_soft_hsm()) return;
  KeyRoom room("slow");
  room.hsm.put_aes(label, aes_256);
  auto const what = wanted(KeyAlgorithm::aes, 256);
  auto const late = run_coroutine(room.io, room.source->draw(what, room.clock->mono_now()));
  REQUIRE_FALSE(late);
  CHECK(late.error().error_class == ErrorClass::transient);
  CHECK(late.error().code == "token_silent");
}

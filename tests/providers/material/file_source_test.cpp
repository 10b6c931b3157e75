#include "providers/material/file_source.hpp"

#include "providers/encoding.hpp"
#include "tests/providers/material/material_samples.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;
namespace fs = std::filesystem;

namespace {

struct KeyRoom {
  TemporaryFolder folder;
  std::unique_ptr<MaterialSource> source =
      make_file_source({MaterialSourceName("key-room"), folder.path() / "material"});
  fs::path file = folder.path() / "material/azure-prod/payments/cmk";

  void put(std::string const& text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) {
    folder.write("material/azure-prod/payments/cmk", text);
    fs::permissions(file, mode);
  }
};

std::string ec_pem(char const* group) {
  std::unique_ptr<BIO, Free<BIO_free>> const memory(BIO_new(BIO_s_mem()));
  PrivateKey const key(EVP_EC_gen(group));
  REQUIRE(PEM_write_bio_PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  auto const size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string const aes_256 = to_base64("0123456789abcdef0123456789ABCDEF");

}  // namespace

TEST_CASE("a file serves the one key that it is named for, in base64 or as PEM") {
  KeyRoom room;
  SECTION("symmetric") {
    room.put(aes_256 + "\n");
    auto const got = drawn(*room.source, wanted(KeyAlgorithm::aes, 256));
    REQUIRE(got);
    CHECK((*got)->bytes.reveal() == "0123456789abcdef0123456789ABCDEF");
    CHECK((*got)->fingerprint.starts_with("kcv:"));
  }
  SECTION("symmetric, of a size that the provider does not tell") {
    room.put(to_base64("0123456789abcdef"));
    auto const got = drawn(*room.source, wanted(KeyAlgorithm::aes, 0));
    REQUIRE(got);
    CHECK((*got)->type.bits == 128);
  }
  SECTION("RSA") {
    room.put(rsa_pem());
    auto const got = drawn(*room.source, wanted(KeyAlgorithm::rsa, 2048));
    REQUIRE(got);
    CHECK((*got)->fingerprint.size() == std::string("spki-sha256:").size() + 64);
  }
  SECTION("an elliptic curve") {
    room.put(ec_pem("secp384r1"));
    auto const got = drawn(*room.source, wanted(KeyAlgorithm::ec, 384));
    REQUIRE(got);
    CHECK((*got)->type == KeyType{KeyAlgorithm::ec, 384});
  }
  CHECK(room.source->may_repeat());
  CHECK(fs::exists(room.file));
}

TEST_CASE("a key pair on a curve that no provider takes is refused") {
  KeyRoom room;
  room.put(ec_pem("brainpoolP256r1"));
  auto const refused = drawn(*room.source, wanted(KeyAlgorithm::ec, 256));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "material_unfit");
}

TEST_CASE("the check value of a symmetric key is the one that HSM consoles show") {
  // FIPS 197, C.3 has this key; its encryption of a block of zeros is a known answer.
  std::string bytes;
  for (char i = 0; i < 32; ++i) bytes.push_back(i);
  auto const material = symmetric_material(Secret(std::string_view(bytes)), "here");
  REQUIRE(material);
  CHECK((*material)->fingerprint == "kcv:F29000");
}

TEST_CASE("the same file has the same fingerprint, a renewed one another") {
  KeyRoom room;
  room.put(aes_256);
  auto const first = seen(*room.source, wanted(KeyAlgorithm::aes, 256));
  auto const second = drawn(*room.source, wanted(KeyAlgorithm::aes, 256));
  room.put(to_base64("another material, of 32 bytes ..."), fs::perms::owner_read | fs::perms::owner_write);
  room.put(to_base64("another material, of 32 bytes .."));
  auto const renewed = drawn(*room.source, wanted(KeyAlgorithm::aes, 256));
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(renewed);
  CHECK((*first)->fingerprint == (*second)->fingerprint);
  CHECK((*first)->fingerprint != (*renewed)->fingerprint);
}

TEST_CASE("what a file must not be has a name, a place and a way out, and never the material in its words") {
  KeyRoom room;
  auto what = wanted(KeyAlgorithm::aes, 256);
  std::string code;
  SECTION("absent") { code = "material_missing"; }
  SECTION("readable by others") {
    room.put(aes_256, fs::perms::owner_read | fs::perms::group_read);
    code = "material_unreadable";
  }
  SECTION("empty") {
    room.put("");
    code = "material_unreadable";
  }
  SECTION("too large") {
    room.put(std::string(20'000, 'A'));
    code = "material_unreadable";
  }
  SECTION("not base64") {
    room.put("correct horse battery staple");
    code = "material_malformed";
  }
  SECTION("a PEM file cut short") {
    room.put(rsa_pem().substr(0, 400));
    what = wanted(KeyAlgorithm::rsa, 2048);
    code = "material_malformed";
  }
  SECTION("of a length that no key has") {
    room.put(to_base64("short"));
    code = "material_unfit";
  }
  SECTION("of another length than the key") {
    room.put(to_base64("0123456789abcdef"));
    code = "material_unfit";
  }
  SECTION("all zeros") {
    room.put(to_base64(std::string(32, '\0')));
    code = "material_unfit";
  }
  SECTION("RSA for a symmetric key") {
    room.put(rsa_pem());
    code = "material_unfit";
  }
  SECTION("RSA of another size") {
    room.put(rsa_pem());
    what = wanted(KeyAlgorithm::rsa, 3072);
    code = "material_unfit";
  }
  SECTION("a key whose id could leave the folder") {
    what.key.id = KeyId("../../etc/passwd");
    code = "material_unfit";
  }
  auto const refused = drawn(*room.source, what);
  REQUIRE_FALSE(refused);
  Error const& error = refused.error();
  CHECK(error.code == code);
  CHECK(error.error_class == ErrorClass::permanent);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK_THAT(error.where, Catch::Contains(room.folder.path().string()));
  CHECK_FALSE(error.remedy.empty());
  CHECK_THAT(to_text(error), !Catch::Contains("staple") && !Catch::Contains(aes_256));
}

TEST_CASE("an encrypted private key asks nobody for its passphrase") {
  KeyRoom room;
  room.put(
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n");
  auto const refused = drawn(*room.source, wanted(KeyAlgorithm::rsa, 2048));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "material_malformed");
}

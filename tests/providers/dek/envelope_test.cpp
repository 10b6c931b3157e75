#include "providers/dek/envelope.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

std::string const whole = R"({
	"comment" : "the application's own, with \"wdek\": inside",
  "rekeyd_envelope": 1,
  "provider": "azure-prod", "vault": "payments-eu",
  "key": "cmk-ledger",
  "key_version":    "5d1c",
  "algorithm": "RSA-OAEP-256",
  "nested": {"wdek": "not ours", "list": [1, [2, {"key": "]}"}]], "key_version": null},
  "wdek": "b2xk",
  "aad": ["tenant-17", "ä"],
  "number": 1.50e+3,
  "comment": "twice is the application's business"

}
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto const at = text.find(from);
  REQUIRE(at != std::string::npos);
  REQUIRE(text.find(from, at + 1) == std::string::npos);
  return text.replace(at, from.size(), to);
}

EnvelopeDefect defect_of(std::string const& text) {
  auto const envelope = read_envelope(text);
  INFO(text);
  REQUIRE_FALSE(envelope.has_value());
  return envelope.error();
}

}  // namespace

TEST_CASE("an envelope is read with everything that it says of its DEK") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  CHECK(envelope->dek.id.empty());
  CHECK(envelope->dek.key.text() == "azure-prod/payments-eu/cmk-ledger");
  CHECK(envelope->dek.version.str() == "5d1c");
  CHECK(envelope->dek.algorithm == "RSA-OAEP-256");
  CHECK(envelope->dek.ciphertext == "b2xk");
  CHECK(envelope->dek.aad == std::vector<std::string>{"tenant-17", "ä"});
}

TEST_CASE("algorithm and aad may be left out") {
  auto const envelope = read_envelope(
      R"({"rekeyd_envelope":1,"provider":"p","vault":"v","key":"k","key_version":"1","wdek":"AA=="})");
  REQUIRE(envelope.has_value());
  CHECK(envelope->dek.algorithm.empty());
  CHECK(envelope->dek.aad.empty());
}

TEST_CASE("a new DEK changes three values and no other byte") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  WrappedDek after = envelope->dek;
  after.version = VersionId("77aa");
  after.algorithm = "RSA-OAEP";
  after.ciphertext = "bmV3LWxvbmdlcg";
  std::string const expected =
      replaced(replaced(replaced(whole, R"("5d1c")", R"("77aa")"), R"("RSA-OAEP-256")", R"("RSA-OAEP")"),
               R"("wdek": "b2xk")", R"("wdek": "bmV3LWxvbmdlcg")");
  CHECK(with_dek(whole, *envelope, after) == expected);
}

TEST_CASE("a DEK of another key changes the key's members, too, and no other byte") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  WrappedDek after = envelope->dek;
  after.key = *KeyRef::parse("ibm-prod/backups/0f6c2c1e");
  after.version = VersionId("77aa");
  after.algorithm.clear();
  std::string const changed = with_dek(whole, *envelope, after);
  auto const again = read_envelope(changed);
  REQUIRE(again.has_value());
  CHECK(again->dek == after);
  std::string restored = with_dek(changed, *again, envelope->dek);
  CHECK(restored == whole);
}

TEST_CASE("a key that is written in other letter case stays as its application wrote it") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  WrappedDek after = envelope->dek;
  std::string upper = after.key.id.str();
  upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
  after.key.id = KeyId(upper);
  CHECK(with_dek(whole, *envelope, after) == whole);
}

TEST_CASE("the same DEK put in again leaves the text as it was") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  CHECK(with_dek(whole, *envelope, envelope->dek) == whole);
}

TEST_CASE("members may be written with escapes and in any order") {
  std::string const text =
      R"({"wd\u0065k":"b2xk","k\u0065y":"k\u002d1","vault":"v","provider":"p","key_version":"1","rekeyd_envelope":1})";
  auto const envelope = read_envelope(text);
  REQUIRE(envelope.has_value());
  CHECK(envelope->dek.key.id.str() == "k-1");
  WrappedDek after = envelope->dek;
  after.ciphertext = "bmV3";
  CHECK(with_dek(text, *envelope, after) == replaced(text, "b2xk", "bmV3"));
}

TEST_CASE("an algorithm that the file did not name is added in the file's indentation") {
  std::string const text = replaced(whole, "  \"algorithm\": \"RSA-OAEP-256\",\n", "");
  auto const envelope = read_envelope(text);
  REQUIRE(envelope.has_value());
  WrappedDek after = envelope->dek;
  after.algorithm = "RSA-OAEP-256";
  std::string const changed = with_dek(text, *envelope, after);
  CHECK(changed ==
        replaced(text, "\"wdek\": \"b2xk\",", "\"wdek\": \"b2xk\",\n  \"algorithm\": \"RSA-OAEP-256\","));
  auto const again = read_envelope(changed);
  REQUIRE(again.has_value());
  CHECK(again->dek == after);
}

TEST_CASE("a version id with quotes and backslashes is written so that it reads back") {
  auto const envelope = read_envelope(whole);
  REQUIRE(envelope.has_value());
  WrappedDek after = envelope->dek;
  after.version = VersionId(R"(a "b" \c)");
  auto const again = read_envelope(with_dek(whole, *envelope, after));
  REQUIRE(again.has_value());
  CHECK(again->dek == after);
}

TEST_CASE("what is not JSON is a defect on the line where it stops being JSON") {
  CHECK(defect_of("").what == "empty, expected one JSON object");
  CHECK(defect_of(" \n\t").what == "empty, expected one JSON object");
  CHECK(defect_of("<html>\n").line == 1);
  CHECK(defect_of("{\n\"a\": 1,\n\"b\": x\n}").line == 3);
  CHECK(defect_of("{\n\"a\": 1,\n}\n").line == 3);
  CHECK(defect_of("{\n\"a\": 1\n\n").line == 4);
  CHECK(defect_of("{\"a\": 1}\n{\"b\": 2}\n").line == 2);
  CHECK(defect_of("{\n// no comments\n}").line == 2);
  CHECK(defect_of("{\"a\": \"\xff\"}").what.find("not valid JSON") == 0);
  CHECK(defect_of("{\"\xc3\x28\": 1}").what.find("not valid JSON") == 0);
  CHECK(defect_of(std::string(100'000, '[')).what.find("not valid JSON") == 0);
  CHECK(defect_of("\xEF\xBB\xBF{}").what.find("byte order mark") != std::string::npos);
  CHECK(defect_of(std::string("{\"a\": \"\0\"}", 10)).what.find("not valid JSON") == 0);
}

TEST_CASE("JSON that is no object is a defect") {
  CHECK(defect_of("\n[1]").line == 2);
  CHECK(defect_of("\n[1]").what == "an array, expected one JSON object");
  CHECK(defect_of("\"text\"").what == "a string, expected one JSON object");
  CHECK(defect_of("null").what == "null, expected one JSON object");
}

TEST_CASE("a missing member is named with what it should hold") {
  CHECK(defect_of("{\"name\": \"x\"}").what ==
        "member \"rekeyd_envelope\" is missing, expected the number 1: is this an envelope?");
  CHECK(
      defect_of(replaced(whole, "\"provider\": \"azure-prod\",", "")).what.find("\"provider\" is missing") !=
      std::string::npos);
  CHECK(defect_of(replaced(whole, "\"key\": \"cmk-ledger\",", "")).what.find("\"key\" is missing") !=
        std::string::npos);
  CHECK(defect_of(replaced(whole, "  \"wdek\": \"b2xk\",\n", "")).what.find("\"wdek\" is missing") !=
        std::string::npos);
  CHECK(defect_of(replaced(whole, "  \"key_version\":    \"5d1c\",\n", ""))
            .what.find("\"key_version\" is missing") != std::string::npos);
}

TEST_CASE("an envelope of another version is a defect that says which") {
  EnvelopeDefect const defect =
      defect_of(replaced(whole, "\"rekeyd_envelope\": 1", "\"rekeyd_envelope\": 2"));
  CHECK(defect.line == 3);
  CHECK(defect.what.find("envelope version 2, expected 1") == 0);
  CHECK(defect_of(replaced(whole, "\"rekeyd_envelope\": 1", "\"rekeyd_envelope\": \"1\"")).what ==
        "\"rekeyd_envelope\" is a string, expected the number 1");
  CHECK(defect_of(replaced(whole, "\"rekeyd_envelope\": 1", "\"rekeyd_envelope\": 1.0")).line == 3);
}

TEST_CASE("a member of the wrong type is a defect on its line") {
  CHECK(defect_of(replaced(whole, "\"5d1c\"", "5")) ==
        EnvelopeDefect{6, "\"key_version\" is a number, expected the provider's id of the key version"});
  CHECK(defect_of(replaced(whole, "\"b2xk\"", "[\"b2xk\"]")).line == 9);
  CHECK(defect_of(replaced(whole, "\"RSA-OAEP-256\"", "null")).what ==
        "\"algorithm\" is null, expected the provider's name of the algorithm");
  CHECK(defect_of(replaced(whole, "[\"tenant-17\", \"ä\"]", "\"tenant-17\"")).what ==
        "\"aad\" is a string, expected an array of strings");
  CHECK(defect_of(replaced(whole, "[\"tenant-17\", \"ä\"]", "[\"tenant-17\", {}]")).what ==
        "\"aad\" holds an object, expected an array of strings");
}

TEST_CASE("a member of ours that stands twice is a defect, for nobody knows which one counts") {
  EnvelopeDefect const defect = defect_of(replaced(whole, "\"number\": 1.50e+3", "\"wdek\": \"bmV3\""));
  CHECK(defect.line == 11);
  CHECK(defect.what == "member \"wdek\" stands here a second time, expected it once");
  CHECK(defect_of(replaced(whole, "\"number\"", "\"\\u0077dek\"")).line == 11);
}

TEST_CASE("values that no provider would understand are defects") {
  CHECK(defect_of(replaced(whole, "\"cmk-ledger\"", "\"\"")).what ==
        "\"key\" is empty, expected the root key's id");
  CHECK(defect_of(replaced(whole, "\"cmk-ledger\"", "\"https://x/keys/y\"")).what.find("holds a '/'") !=
        std::string::npos);
  CHECK(defect_of(replaced(whole, "\"b2xk\"", "\"b2 xk\"")).what.find("holds other characters") !=
        std::string::npos);
  CHECK(defect_of(replaced(whole, "\"5d1c\"", "\"5d\\n1c\"")).what.find("control character") !=
        std::string::npos);
}

TEST_CASE("a defect never shows the WDEK") {
  CHECK(defect_of(replaced(whole, "\"b2xk\"", "\"b2xk secret\"")).what.find("secret") == std::string::npos);
}

TEST_CASE("a text at the limit is read and one byte more is a defect") {
  std::string text =
      replaced(whole, "1.50e+3", "\"" + std::string(envelope_bytes_max - whole.size() + 5, 'x') + "\"");
  REQUIRE(text.size() == envelope_bytes_max);
  CHECK(read_envelope(text).has_value());
  text += ' ';
  CHECK(defect_of(text).what.find("larger than 1048576 bytes") == 0);
}

TEST_CASE("the application's own values may be nested deeply") {
  std::string const deep = std::string(200, '[') + std::string(200, ']');
  CHECK(read_envelope(replaced(whole, "1.50e+3", deep)).has_value());
}

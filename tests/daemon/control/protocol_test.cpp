#include "daemon/control/protocol.hpp"

#include "tests/daemon/control/sample_reports.hpp"
#include "tests/support/seeded_random.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::daemon;
using namespace rekeyd::test;
using boost::algorithm::replace_first_copy;
using Catch::Matchers::Contains;

TEST_CASE("every report comes back as it went", "[control][protocol]") {
  CHECK(decode_status(encode_status(sample_status())).value() == sample_status());
  CHECK(decode_keys(encode_keys(sample_keys())).value() == sample_keys());
  CHECK(decode_resources(encode_resources(sample_resources())).value() == sample_resources());
  CHECK(decode_plan(encode_plan(sample_plan())).value() == sample_plan());
  CHECK(decode_rotation(encode_rotation(sample_rotation())).value() == sample_rotation());
  CHECK(decode_reload_answer(encode_reload_answer(sample_reload())).value() == sample_reload());
  RotateAnswer const answer{.rotation = RotationId("r1"), .key = sample_rotation().key};
  CHECK(decode_rotate_answer(encode_rotate_answer(answer)).value() == answer);
  ReleaseAnswer const released{.released = sample_status().holds};
  CHECK(decode_release_answer(encode_release_answer(released)).value() == released);
  ReleaseRequest const all{.hold = std::nullopt, .reason = "first start"};
  CHECK(decode_release_request(encode_release_request(all)).value() == all);
  ReleaseRequest const one{.hold = "clock_stepped", .reason = "mended"};
  CHECK(decode_release_request(encode_release_request(one)).value() == one);
  CHECK(decode_accepted(encode_accepted(RotationId("r1"))).value() == RotationId("r1"));
}

TEST_CASE("empty reports come back as they went", "[control][protocol]") {
  CHECK(decode_status(encode_status(StatusReport{})).value() == StatusReport{});
  CHECK(decode_keys(encode_keys({})).value().empty());
  CHECK(decode_plan(encode_plan(PlanReport{})).value() == PlanReport{});
  CHECK(decode_reload_answer(encode_reload_answer(ReloadAnswer{})).value() == ReloadAnswer{});
}

TEST_CASE("an error comes back with all that a person needs", "[control][protocol]") {
  Error error;
  error.error_class = ErrorClass::conflict;
  error.what = "a rotation is under way";
  error.where = "azure-prod/payments-eu/cmk-cards";
  error.code = "rotation_open";
  error.request_id = "4f";
  error.remedy = "wait for it";
  Error const back = decode_error(encode_error(error));
  CHECK(back.error_class == error.error_class);
  CHECK(to_text(back) == to_text(error));
}

TEST_CASE("every error class has a word that comes back", "[control][protocol]") {
  using enum ErrorClass;
  for (auto const each : {transient, access, conflict, not_found, permanent, malformed, storage, cancelled}) {
    Error error;
    error.error_class = each;
    CHECK(decode_error(encode_error(error)).error_class == each);
  }
}

TEST_CASE("a member that is not known is passed over in an answer", "[control][protocol]") {
  std::string const text =
      replace_first_copy(encode_rotation(sample_rotation()), "{", R"({"mood":{"deep":[1,2]},)");
  CHECK(decode_rotation(text).value() == sample_rotation());
}

TEST_CASE("a missing or misshapen member is named", "[control][protocol]") {
  std::string const good = encode_rotation(sample_rotation());
  struct Case {
    char const *from, *to, *complaint;
  };
  for (Case const& c :
       {Case{R"("reason":)", R"("raison":)", "member 'reason' of the document is missing"},
        Case{R"("attempts":2)", R"("attempts":2.5)", "'attempts'"},
        Case{R"("attempts":2)", R"("attempts":"2")", "not a whole number"},
        Case{R"("step":"propagate")", R"("step":"dance")", "no such word: 'dance'"},
        Case{R"("opened":"2026-03-02T00:00:00Z")", R"("opened":"2026-02-30T00:00:00Z")", "RFC 3339"},
        Case{R"("key":"azure-prod/)",
             R"("key":"azure-prod")"
             ",\"x\":\"",
             "PROVIDER/VAULT/ID"},
        Case{R"("known_versions":["aa")", R"("known_versions":[7)", "not a string"},
        Case{"rekeyd.rotation/1", "rekeyd.rotation/2", "schema is 'rekeyd.rotation/2'"}}) {
    std::string const bad = replace_first_copy(good, c.from, c.to);
    REQUIRE(bad != good);
    auto const decoded = decode_rotation(bad);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().error_class == ErrorClass::malformed);
    CHECK_THAT(decoded.error().what, Contains(c.complaint));
  }
}

TEST_CASE("what is wrong deep inside is told with its place", "[control][protocol]") {
  std::string const good = encode_status(sample_status());
  std::string const bad = replace_first_copy(good, R"("calls":3)", R"("calls":-3)");
  REQUIRE(bad != good);
  auto const decoded = decode_status(bad);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().what == "member 'calls' of 'providers[1]' of the document is not a count");
}

TEST_CASE("no text whatever makes decoding throw", "[control][protocol]") {
  std::string const good = encode_status(sample_status());
  SeededRandom random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good.substr(0, random.below(good.size() + 1));
    for (int i = 0; i < 3 && !text.empty(); ++i)
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    (void)decode_status(text);
    (void)decode_keys(text);
    (void)decode_resources(text);
    (void)decode_rotate_request(text);
    (void)decode_error(text);
  }
  CHECK_FALSE(decode_status(""));
  CHECK_FALSE(decode_status("[]"));
  CHECK_FALSE(decode_status("null"));
  CHECK_FALSE(decode_status(std::string(100'000, '[')));
}

TEST_CASE("bytes that are no UTF-8 still make valid JSON", "[control][protocol]") {
  StatusReport status;
  status.warnings = {"caf\xe9/17.json", "\xed\xa0\x80", "\xf0\x9f\x94\x91", "\xc0\xaf", "\xe2\x82"};
  auto const back = decode_status(encode_status(status));
  REQUIRE(back);
  CHECK(back->warnings[0] == "caf\xEF\xBF\xBD/17.json");
  CHECK(back->warnings[2] == "\xf0\x9f\x94\x91");
  CHECK(back->warnings[4] == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("a rotate request is read strictly", "[control][protocol]") {
  RotateRequest const request{.key = "a/b/c", .reason = "leaver"};
  CHECK(decode_rotate_request(encode_rotate_request(request)).value() == request);
  auto const complaint = [](char const* text) {
    auto const decoded = decode_rotate_request(text);
    REQUIRE_FALSE(decoded);
    return decoded.error().what;
  };
  CHECK_THAT(complaint(R"({"key":"k"})"), Contains("'reason'") && Contains("missing"));
  CHECK_THAT(complaint(R"({"key":"k","reason":"  "})"), Contains("'reason' is empty"));
  CHECK_THAT(complaint(R"({"key":"","reason":"r"})"), Contains("'key' is empty"));
  CHECK_THAT(complaint(R"({"key":"k","reason":"r","force":true})"),
             Contains("unknown member 'force'") && Contains("'key', 'reason'"));
  CHECK_THAT(complaint(R"({"key":7,"reason":"r"})"), Contains("not a string"));
  CHECK_THAT(complaint("rotate please"), Contains("not JSON"));
  CHECK_THAT(complaint(("{\"key\":\"k\",\"reason\":\"" + std::string(1001, 'x') + "\"}").c_str()),
             Contains("more than 1000 bytes"));
}

TEST_CASE("what is asked of an abandon is read strictly", "[control][protocol]") {
  AbandonRequest const asked{"lost cause", true};
  CHECK(decode_abandon_request(encode_abandon_request(asked)).value() == asked);
  CHECK(decode_abandon_request(R"({"reason":"lost"})").value() == AbandonRequest{"lost", false});
  CHECK_FALSE(decode_abandon_request(R"({"reason":""})"));
  CHECK_FALSE(decode_abandon_request(R"({"why":"because"})"));
  CHECK_FALSE(decode_abandon_request(R"({"reason":"lost","leave_stopped":"yes"})"));
  CHECK_FALSE(decode_abandon_request(""));
}

#include "providers/json_answer.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;

TEST_CASE("an answer that is no JSON object is malformed and says so") {
  auto const [body, words] = GENERATE(table<std::string, std::string>({
      {"", "not JSON"},
      {"<html><body>Sign in</body></html>", "not JSON"},
      {R"({"key":{"kid":"https://)", "not JSON"},
      {"[]", "no object"},
      {"null", "no object"},
      {"42", "no object"},
      {R"({"a":1} {"b":2})", "not JSON"},
      {"{\"a\":\"\xff\xfe\"}", "not JSON"},
  }));
  CAPTURE(body);
  JsonAnswer answer(body);
  CHECK_FALSE(answer.sound());
  CHECK_FALSE(answer.root().present());
  auto const error = answer.error("GET https://somewhere/keys");
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(error.where == "GET https://somewhere/keys");
  CHECK_THAT(error.what, Catch::Contains(words));
}

TEST_CASE("a JSON document deeper than any answer is refused, not followed") {
  JsonAnswer answer(std::string(100'000, '[') + std::string(100'000, ']'));
  CHECK_FALSE(answer.sound());
}

TEST_CASE("a secret answer that is no JSON is told apart without quoting it") {
  JsonAnswer answer("<html>c2VjcmV0</html>", AnswerContent::secret);
  CHECK_FALSE(answer.sound());
  CHECK_THAT(answer.error("").what, !Catch::Contains("c2VjcmV0"));
}

TEST_CASE("each member of another type is a defect that names its path") {
  JsonAnswer answer(R"({"o":{"t":1,"i":"x","i2":1.5,"i3":1e300,"f":"true","e":-1,"e2":99999999999999,
                        "d":"yesterday","a":{"b":1},"l":[1],"s":"text"},"empty":""})");
  REQUIRE(answer.sound());
  auto const check = [&answer](auto const& read, std::string const& words) {
    JsonDefect defect;
    read(answer.root().object("o").reporting_to(defect));
    CHECK_THAT(defect.text(), Catch::Equals(words));
  };
  check([](auto o) { (void)o.text_if("t"); }, "o.t should be a text, and a number came");
  check([](auto o) { (void)o.text("t"); }, "o.t should be a text that is not empty, and a number came");
  check([](auto o) { (void)o.text("missing"); }, "o.missing is missing");
  check([](auto o) { (void)o.integer_if("i"); }, "o.i should be a whole number, and a text came");
  check([](auto o) { (void)o.integer_if("i2"); }, "o.i2 should be a whole number, and a number came");
  check([](auto o) { (void)o.integer_if("i3"); }, "o.i3 should be a whole number, and a number came");
  check([](auto o) { (void)o.flag_if("f"); }, "o.f should be true or false, and a text came");
  check([](auto o) { (void)o.epoch_if("e"); }, "o.e should be seconds since 1970");
  check([](auto o) { (void)o.epoch_if("e2"); }, "o.e2 should be seconds since 1970");
  check([](auto o) { (void)o.date_if("d"); }, "o.d should be a date and time (RFC 3339)");
  check([](auto o) { (void)o.object("s"); }, "o.s should be an object, and a text came");
  check([](auto o) { (void)o.object("missing"); }, "o.missing is missing");
  check([](auto o) { (void)o.objects_if("s"); }, "o.s should be an array, and a text came");
  check([](auto o) { (void)o.texts_if("l"); }, "o.l should be an array of texts, and a number came");
  check([](auto o) { (void)o.texts_if("s"); }, "o.s should be an array of texts, and a text came");
  check([](auto o) { (void)o.text_map_if("a"); }, "o.a should be an object of texts, and a number came");
}

TEST_CASE("a member of another type has an error of its own, and a missing one has not") {
  JsonAnswer changed(R"({"n":1})");
  (void)changed.root().text("n");
  auto const error = changed.error("GET https://host/path (api-version 2023-10-02)");
  CHECK(error.code == changed_type_code);
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK_THAT(error.what, Catch::Contains("n should be a text that is not empty, and a number came"));
  CHECK_THAT(error.where, Catch::Contains("api-version 2023-10-02"));
  CHECK_THAT(error.remedy, Catch::Contains("API version"));
  JsonAnswer missing(R"({})");
  (void)missing.root().text("n");
  CHECK(missing.error("").code.empty());
}

TEST_CASE("missing members and null are the same where a member may be absent") {
  JsonAnswer answer(R"({"n":null})");
  auto const root = answer.root();
  for (auto const* member : {"n", "absent"}) {
    CHECK(root.text_if(member).empty());
    CHECK_FALSE(root.integer_if(member));
    CHECK_FALSE(root.flag_if(member));
    CHECK_FALSE(root.date_if(member));
    CHECK_FALSE(root.object_if(member).present());
    CHECK(root.objects_if(member).empty());
    CHECK(root.texts_if(member).empty());
    CHECK(root.text_map_if(member).empty());
  }
  CHECK(answer.sound());
}

TEST_CASE("one object in place of an array is an array of one, an entry that is no object is absent") {
  JsonAnswer answer(R"({"one":{"a":"x"},"mixed":[{"a":"y"},7,null]})");
  REQUIRE(answer.root().objects_if("one").size() == 1);
  CHECK(answer.root().objects_if("one").front().text("a") == "x");
  auto const mixed = answer.root().objects_if("mixed");
  REQUIRE(mixed.size() == 3);
  CHECK_FALSE(mixed[1].present());
  CHECK(answer.sound());
  CHECK(mixed[1].text("a").empty());
  CHECK(answer.defect().text() == "mixed[1].a is missing");
}

TEST_CASE("an excerpt of a body is one printable line of bounded length") {
  CHECK(body_excerpt("no healthy\r\nupstream\n") == "no healthy  upstream");
  CHECK(body_excerpt("a\x1b[31mred\x7f") == "a [31mred");
  CHECK(body_excerpt("\xc3\xa4") == "??");
  CHECK(body_excerpt(std::string(10'000'000, 'x')).size() == 512);
}

#include "providers/secret.hpp"

#include "providers/encoding.hpp"
#include "providers/json.hpp"
#include "providers/system/system_random.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <openssl/crypto.h>

#include <set>
#include <type_traits>

using namespace rekeyd;
using namespace rekeyd::providers;

TEST_CASE("a secret moves, is copied only by name and cannot be printed") {
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
  Secret first(std::string_view("hunter2"));
  Secret second = first.clone();
  CHECK(first.same_as(second));
  Secret third = std::move(first);
  CHECK(third.reveal() == "hunter2");
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): what is left behind is the point
  third = Secret(std::string_view("other"));
  CHECK_FALSE(third.same_as(second));
  CHECK_FALSE(Secret(std::string_view("hunter3")).same_as(second));
  CHECK(Secret().same_as(Secret(std::string_view())));
}

TEST_CASE("a secret of a size starts as zeros and is filled in place") {
  auto secret = Secret::of_size(32);
  CHECK(secret.reveal() == std::string(32, '\0'));
  secret.writable()[31] = std::byte{7};
  CHECK(secret.reveal().back() == '\7');
  CHECK(Secret::of_size(0).empty());
}

TEST_CASE("with the secure heap, secrets and small bodies live in it, and it survives being exhausted") {
  std::string why;
  bool const locked = start_secure_heap(256 << 10, why);
  CHECK(locked == why.empty());
  REQUIRE(CRYPTO_secure_malloc_initialized() == 1);
  {
    Secret const secret(std::string_view("a data encryption key"));
    CHECK(CRYPTO_secure_allocated(secret.reveal().data()) == 1);
    Body const body(4096, 'x');
    CHECK(CRYPTO_secure_allocated(body.data()) == 1);
    Body const listing(1 << 20, 'x');
    CHECK(CRYPTO_secure_allocated(listing.data()) == 0);

    std::vector<Secret> many;
    for (int i = 0; i < 100; ++i) many.push_back(Secret::of_size(16 << 10));
    CHECK(CRYPTO_secure_allocated(many.front().reveal().data()) == 1);
    CHECK(CRYPTO_secure_allocated(many.back().reveal().data()) == 0);
  }
  CHECK(CRYPTO_secure_used() == 0);
}

TEST_CASE("what is parsed in wiping storage lives in the secure heap") {
  std::string why;
  start_secure_heap(256 << 10, why);
  auto const parsed =
      parse_wiping(R"({"access_token":"a token that is too long for the small buffer"})", "POST iam/token");
  REQUIRE(parsed);
  auto const& token = parsed->as_object().at("access_token").as_string();
  CHECK(CRYPTO_secure_allocated(token.data()) == 1);
}

TEST_CASE("what is not JSON is a malformed error that says what came instead, and quotes nothing") {
  auto const page = parse_wiping("  <html>secret</html>", "POST iam/token");
  REQUIRE_FALSE(page);
  CHECK(page.error().error_class == ErrorClass::malformed);
  CHECK(page.error().where == "POST iam/token");
  CHECK(page.error().what.find("web page") != std::string::npos);
  CHECK(to_text(page.error()).find("secret") == std::string::npos);
  CHECK(parse_wiping("", "x").error().what.find("empty") != std::string::npos);
  CHECK_FALSE(parse_wiping(R"({"a":1} {"b":2})", "x"));
  CHECK_FALSE(parse_wiping(R"({"a":)", "x"));
  CHECK_FALSE(parse_wiping(std::string(10'000, '['), "x"));
}

TEST_CASE("base64 and base64url follow RFC 4648") {
  struct Sample {
    std::string bytes, standard, url;
  };
  // The first seven are RFC 4648 section 10.
  auto const sample = GENERATE(values<Sample>({{"", "", ""},
                                               {"f", "Zg==", "Zg"},
                                               {"fo", "Zm8=", "Zm8"},
                                               {"foo", "Zm9v", "Zm9v"},
                                               {"foob", "Zm9vYg==", "Zm9vYg"},
                                               {"fooba", "Zm9vYmE=", "Zm9vYmE"},
                                               {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                                               {"\xfb\xff\xfe", "+//+", "-__-"},
                                               {std::string("\0\0", 2), "AAA=", "AAA"}}));
  CHECK(to_base64(sample.bytes) == sample.standard);
  CHECK(to_base64url(sample.bytes) == sample.url);
  CHECK(from_base64(sample.standard) == sample.bytes);
  CHECK(from_base64url(sample.url) == sample.bytes);
  CHECK(secret_from_base64(sample.standard)->reveal() == sample.bytes);
  CHECK(secret_from_base64url(sample.url)->reveal() == sample.bytes);

  Body body("key=");
  append_base64url(body, Secret(std::string_view(sample.bytes)));
  CHECK(std::string_view(body) == "key=" + sample.url);
  body = "key=";
  append_base64(body, Secret(std::string_view(sample.bytes)));
  CHECK(std::string_view(body) == "key=" + sample.standard);
}

TEST_CASE("base64 tolerates padding that is there or not, and nothing else") {
  CHECK(from_base64url("Zg==") == "f");
  CHECK(from_base64("Zg") == "f");
  auto const bad = GENERATE(as<std::string>(), "Z", "Zg=", "Zg===", "Z===", "====", "Zm9v====", "Zm 9v",
                            "Zm9v\n", "Zm*v", "Zg==Zg==", "=Zg=");
  CAPTURE(bad);
  CHECK_FALSE(from_base64(bad));
  CHECK_FALSE(from_base64url(bad));
  CHECK_FALSE(secret_from_base64url(bad));
  CHECK_FALSE(from_base64("-__-"));
  CHECK_FALSE(from_base64url("+//+"));
}

TEST_CASE("percent-encoding leaves only what RFC 3986 calls unreserved") {
  CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
  CHECK(percent_encode("urn:ibm:params/x y+&=%") == "urn%3Aibm%3Aparams%2Fx%20y%2B%26%3D%25");
  CHECK(percent_encode("\xc3\xa4") == "%C3%A4");
  CHECK(percent_encode("").empty());
  Body form("client_secret=");
  append_percent_encoded(form, "p~Q+/ 8");
  CHECK(std::string_view(form) == "client_secret=p~Q%2B%2F%208");
}

TEST_CASE("random numbers stay in their range, reach all of it, and uuids are of version 4") {
  auto const random = make_system_random();
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 400; ++i) seen.insert(random->below(5));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4});
  CHECK(random->below(1) == 0);
  CHECK_THROWS_AS(random->below(0), std::invalid_argument);
  for (int i = 0; i < 100; ++i) {
    auto const unit = random->unit();
    CHECK((unit >= 0 && unit < 1));
  }
  auto const id = random->uuid();
  REQUIRE(id.size() == 36);
  CHECK(id[14] == '4');
  CHECK(std::string("89ab").find(id[19]) != std::string::npos);
  CHECK(id != random->uuid());
}

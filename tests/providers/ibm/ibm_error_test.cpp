#include "providers/ibm/ibm_error.hpp"

#include "tests/support/scripted_transport.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using rekeyd::test::answer;

namespace {

std::string body_of(std::string const& code) {
  return R"({"metadata":{},"resources":[{"errorMsg":"Conflict: see reasons","reasons":[{"code":")" + code +
         R"(","message":"Why it failed.","status":409}]}]})";
}

Error read(unsigned status, std::string_view body, Headers headers = {},
           IbmKind kind = IbmKind::key_protect) {
  return ibm::ibm_error(answer(status, body, std::move(headers)), ibm_flavour(kind), "POST x", Instant{});
}

}  // namespace

TEST_CASE("an IBM error's class follows status and code") {
  auto const [status, body, error_class, delivery,
              code] = GENERATE(table<unsigned, std::string, ErrorClass, Delivery, std::string>({
      {400, body_of("KEY_PAYLOAD_REQ_ERR"), ErrorClass::permanent, Delivery::refused, "KEY_PAYLOAD_REQ_ERR"},
      {401, R"({"resources":[{"errorMsg":"Unauthorized: no"}]})", ErrorClass::access, Delivery::refused, ""},
      {403, body_of("SERVICE_ONLY_ERR"), ErrorClass::access, Delivery::refused, "SERVICE_ONLY_ERR"},
      {404, body_of("KEY_NOT_FOUND_ERR"), ErrorClass::not_found, Delivery::refused, "KEY_NOT_FOUND_ERR"},
      {409, body_of(" KEY_ROTATION_NOT_PERMITTED"), ErrorClass::conflict, Delivery::refused,
       "KEY_ROTATION_NOT_PERMITTED"},
      {409, body_of("KEY_ACTION_INVALID_STATE_ERR"), ErrorClass::conflict, Delivery::refused,
       "KEY_ACTION_INVALID_STATE_ERR"},
      {409, body_of("REQ_TOO_EARLY_ERR"), ErrorClass::transient, Delivery::refused, "REQ_TOO_EARLY_ERR"},
      {410, body_of("KEY_DELETED_ERR"), ErrorClass::permanent, Delivery::refused, "KEY_DELETED_ERR"},
      {422, body_of("UNPROCESSABLE_CIPHERTEXT_ERR"), ErrorClass::permanent, Delivery::refused,
       "UNPROCESSABLE_CIPHERTEXT_ERR"},
      {429, R"({"resources":[{"errorMsg":"Too Many Requests"}]})", ErrorClass::transient, Delivery::refused,
       ""},
      {500, "<html>x</html>", ErrorClass::transient, Delivery::maybe_applied, ""},
      {501, "", ErrorClass::permanent, Delivery::refused, ""},
      {503, "no healthy upstream", ErrorClass::transient, Delivery::maybe_applied, ""},
      {302, "", ErrorClass::malformed, Delivery::maybe_applied, ""},
  }));
  CAPTURE(status, body);
  auto const error = read(status, body);
  CHECK(error.error_class == error_class);
  CHECK(error.delivery == delivery);
  CHECK(error.code == code);
  CHECK(error.http_status == status);
  CHECK_FALSE(error.what.empty());
}

TEST_CASE("the reason's words, the correlation id and Retry-After are kept") {
  auto const error = read(429, body_of("X"), {{"Correlation-Id", "c-1"}, {"Retry-After", "61"}});
  CHECK(error.what == "Key Protect: Why it failed.");
  CHECK(error.request_id == "c-1");
  CHECK(error.retry_after == std::chrono::seconds(61));
}

TEST_CASE("a 401's remedy names all four things that it stands for") {
  auto const remedy = read(401, "").remedy;
  for (auto const* meaning : {"API key", "region", "private", "IP policy"})
    CHECK_THAT(remedy, Catch::Contains(meaning));
}

TEST_CASE("a single-tenant instance that is not initialised says so in plain text, and we say what to do") {
  CHECK_THAT(read(503, "no healthy upstream", {}, IbmKind::key_protect_dedicated).remedy,
             Catch::Contains("crypto units"));
  CHECK(read(503, "no healthy upstream", {}, IbmKind::key_protect).remedy.empty());
  CHECK(read(503, body_of("X"), {}, IbmKind::key_protect_dedicated).remedy.empty());
}

TEST_CASE("error bodies of other shapes keep their status and stay on one line") {
  auto const* const body = GENERATE(
      R"({"resources":[]})", R"({"resources":"none"})", R"({"resources":[{"reasons":{"code":"X"}}]})",
      R"({"resources":[{"errorMsg":7,"reasons":[7]}]})", "", "<html>\r\n</html>", R"({"resources":[{"err)");
  CAPTURE(body);
  auto const error = read(400, body);
  CHECK(error.error_class == ErrorClass::permanent);
  CHECK(error.what.find('\n') == std::string::npos);
}

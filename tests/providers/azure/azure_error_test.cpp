#include "providers/azure/azure_error.hpp"

#include "tests/support/scripted_transport.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using rekeyd::test::answer;

namespace {

Error read(unsigned status, std::string_view body, Headers headers = {}) {
  return azure::azure_error(answer(status, body, std::move(headers)), azure_traits(AzureKind::key_vault),
                            "GET x", Instant{});
}

std::string body_of(std::string const& code, std::string const& inner = {}) {
  std::string const more = inner.empty() ? "" : R"(,"innererror":{"code":")" + inner + "\"}";
  return R"({"error":{"code":")" + code + R"(","message":"Why it failed.")" + more + "}}";
}

}  // namespace

TEST_CASE("an error's class follows status and code") {
  auto const [status, body, error_class, delivery, code] =
      GENERATE(table<unsigned, std::string, ErrorClass, Delivery, std::string>({
          {400, body_of("BadParameter"), ErrorClass::permanent, Delivery::refused, "BadParameter"},
          {401, body_of("Unauthorized"), ErrorClass::access, Delivery::refused, "Unauthorized"},
          {401, "OK", ErrorClass::access, Delivery::refused, ""},
          {403, body_of("Forbidden", "ForbiddenByRbac"), ErrorClass::access, Delivery::refused,
           "ForbiddenByRbac"},
          {403, body_of("Forbidden", "ForbiddenByFirewall"), ErrorClass::access, Delivery::refused,
           "ForbiddenByFirewall"},
          {403, body_of("Forbidden", "KeyDisabled"), ErrorClass::conflict, Delivery::refused, "KeyDisabled"},
          {403, body_of("Forbidden", "KeyOperationForbidden"), ErrorClass::permanent, Delivery::refused,
           "KeyOperationForbidden"},
          {404, body_of("KeyNotFound"), ErrorClass::not_found, Delivery::refused, "KeyNotFound"},
          {405, "", ErrorClass::permanent, Delivery::refused, ""},
          {408, "", ErrorClass::transient, Delivery::maybe_applied, ""},
          {409, body_of("Conflict", "ObjectIsDeletedButRecoverable"), ErrorClass::permanent,
           Delivery::refused, "ObjectIsDeletedButRecoverable"},
          {409, body_of("Conflict", "ObjectIsBeingDeleted"), ErrorClass::transient, Delivery::refused,
           "ObjectIsBeingDeleted"},
          {409, body_of("ConflictError"), ErrorClass::transient, Delivery::refused, "ConflictError"},
          {429, body_of("Throttled"), ErrorClass::transient, Delivery::refused, "Throttled"},
          {500, "<html>oops</html>", ErrorClass::transient, Delivery::maybe_applied, ""},
          {501, "", ErrorClass::permanent, Delivery::refused, ""},
          {503, "", ErrorClass::transient, Delivery::maybe_applied, ""},
          {302, "", ErrorClass::malformed, Delivery::maybe_applied, ""},
          {202, "", ErrorClass::malformed, Delivery::maybe_applied, ""},
      }));
  CAPTURE(status, body);
  auto const error = read(status, body);
  CHECK(error.error_class == error_class);
  CHECK(error.delivery == delivery);
  CHECK(error.code == code);
  CHECK(error.http_status == status);
  CHECK(error.where == "GET x");
  CHECK_FALSE(error.what.empty());
}

TEST_CASE("an error keeps the provider's words, its request id and its Retry-After") {
  auto const error = read(429, body_of("Throttled"), {{"x-ms-request-id", "req-1"}, {"Retry-After", "7"}});
  CHECK(error.what == "Key Vault: Why it failed.");
  CHECK(error.request_id == "req-1");
  CHECK(error.retry_after == std::chrono::seconds(7));
}

TEST_CASE("an error body that is none of the protocol's hides neither status nor words") {
  auto const* const body =
      GENERATE("<html>\r\ngateway</html>", R"({"error":"text"})", R"({"error":{"code":7,"message":[]}})",
               R"([1,2)", R"({"error":{"innererror":{"innererror":{"innererror":null}}}})");
  CAPTURE(body);
  auto const error = read(502, body);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.http_status == 502);
  CHECK(error.what.find('\n') == std::string::npos);
}

TEST_CASE("a chain of inner errors without end is not followed without end") {
  std::string chain = R"({"code":"Last"})";
  for (int i = 0; i < 25; ++i) chain = R"({"innererror":)" + chain + "}";
  CHECK(read(403, R"({"error":{"code":"Forbidden","innererror":)" + chain + "}}").code == "Forbidden");
}

TEST_CASE("who lacks a role is told which, per service") {
  auto const response = answer(403, body_of("Forbidden", "ForbiddenByRbac"));
  auto const hsm = azure::azure_error(response, azure_traits(AzureKind::managed_hsm), "", Instant{});
  CHECK_THAT(hsm.remedy, Catch::Contains("Managed HSM Crypto User"));
}

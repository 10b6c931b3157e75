#include "daemon/control/routes.hpp"

#include "daemon/control/protocol.hpp"
#include "tests/daemon/control/fake_service.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::daemon;
using namespace rekeyd::test;
using Catch::Matchers::Contains;

namespace {

struct Routed {
  FakeService service;
  ControlRoutes routes{service};

  ControlAnswer ask(std::string method, std::string path, std::map<std::string, std::string> query = {},
                    std::string body = "") {
    return routes.answer_now({.method = std::move(method),
                              .path = std::move(path),
                              .query = std::move(query),
                              .body = std::move(body),
                              .caller = "uid 1000 (anna)",
                              .uid = 1000});
  }
};

}  // namespace

TEST_CASE("each path answers with its document", "[control][routes]") {
  Routed r;
  CHECK(decode_status(r.ask("GET", "/v1/status").body).value() == sample_status());
  CHECK(decode_keys(r.ask("GET", "/v1/keys").body).value() == sample_keys());
  CHECK(decode_resources(r.ask("GET", "/v1/resources").body).value() == sample_resources());
  CHECK(decode_rotation(r.ask("GET", "/v1/rotations/" + sample_rotation().id.str()).body).value() ==
        sample_rotation());
  CHECK(decode_plan(r.ask("GET", "/v1/plan", {{"until", "2027-03-02T01:02:03Z"}}).body).value() ==
        sample_plan());
  CHECK(decode_plan(r.ask("GET", "/v1/plan", {{"for", "12months"}}).body).value() == sample_plan());
  CHECK(decode_reload_answer(r.ask("POST", "/v1/reload").body).value() == sample_reload());
}

TEST_CASE("what is asked reaches the service with who asks", "[control][routes]") {
  Routed r;
  std::string const id = sample_rotation().id.str();
  CHECK(r.ask("POST", "/v1/rotate", {}, R"({"key":"cmk-ledger","reason":"leaver"})").status == 202);
  CHECK(r.ask("POST", "/v1/reload").status == 200);
  CHECK(r.ask("POST", "/v1/release", {}, R"({"hold":null,"reason":"seen"})").status == 200);
  CHECK(r.ask("POST", "/v1/rotations/" + id + "/retry").status == 202);
  CHECK(r.ask("POST", "/v1/rotations/" + id + "/abandon", {}, R"({"reason":"lost"})").status == 202);
  CHECK(r.service.asked == std::vector<std::string>{"rotate cmk-ledger: leaver by uid 1000 (anna) = 1000",
                                                    "reload by uid 1000 (anna)",
                                                    "release all: seen by uid 1000 (anna)",
                                                    "retry " + id + " by uid 1000 (anna)",
                                                    "abandon " + id + ": lost by uid 1000 (anna)"});
}

TEST_CASE("keys are filtered by every filter given", "[control][routes]") {
  Routed r;
  auto const count = [&](std::map<std::string, std::string> query) {
    return decode_keys(r.ask("GET", "/v1/keys", std::move(query)).body).value().size();
  };
  CHECK(count({{"provider", "azure-prod"}}) == 7);
  CHECK(count({{"status", "overdue"}}) == 1);
  CHECK(count({{"policy", ""}}) == 1);
  CHECK(count({{"policy", "payments"}, {"provider", "ibm-prod"}}) == 0);
  CHECK(count({{"name", "CMK-*"}}) == 7);
  CHECK(count({{"name", "7c1d9b52"}}) == 1);
  CHECK(count({{"name", "ibm-prod/*/*"}}) == 1);
}

TEST_CASE("what cannot be understood is refused in words", "[control][routes]") {
  Routed r;
  struct Case {
    char const *method, *path;
    std::map<std::string, std::string> query;
    char const* body;
    unsigned status;
    char const* complaint;
  };
  for (Case const& c : {
           Case{"GET", "/", {}, "", 404, "no such path"},
           Case{"GET", "/v1/statu", {}, "", 404, "no such path"},
           Case{"GET", "/v1/status/", {}, "", 404, "no such path"},
           Case{"GET", "/v1/rotations/", {}, "", 404, "no such path"},
           Case{"POST", "/v1/rotations//retry", {}, "", 404, "no such path"},
           Case{"POST", "/v1/rotations/a/b/retry", {}, "", 404, "no such path"},
           Case{"GET", "/v1/rotations/nobody", {}, "", 404, "no rotation has this id"},
           Case{"POST", "/v1/rotations/nobody/retry", {}, "", 404, "no rotation has this id"},
           Case{"DELETE", "/v1/status", {}, "", 405, "takes GET, not DELETE"},
           Case{"GET", "/v1/rotate", {}, "", 405, "takes POST, not GET"},
           Case{"GET",
                "/v1/status",
                {{"verbose", "1"}},
                "",
                400,
                "unknown parameter 'verbose'; this path takes none"},
           Case{"GET", "/v1/keys", {{"state", "due"}}, "", 400, "provider, status, policy, name"},
           Case{"GET", "/v1/keys", {{"status", "dew"}}, "", 400, "no key status is called 'dew'"},
           Case{"GET", "/v1/plan", {}, "", 400, "either 'until'"},
           Case{"GET",
                "/v1/plan",
                {{"for", "1month"}, {"until", "2027-01-01T00:00:00Z"}},
                "",
                400,
                "either 'until'"},
           Case{"GET", "/v1/plan", {{"until", "tomorrow"}}, "", 400, "'tomorrow' is not an RFC 3339 time"},
           Case{"GET", "/v1/plan", {{"until", "2020-01-01T00:00:00Z"}}, "", 400, "lies ahead"},
           Case{"GET", "/v1/plan", {{"until", "2037-01-01T00:00:00Z"}}, "", 400, "10 years at most"},
           Case{"GET", "/v1/plan", {{"for", "11years"}}, "", 400, "'11years' is not a span"},
           Case{"POST", "/v1/rotate", {}, "", 400, "not JSON"},
           Case{"POST", "/v1/replace", {}, R"({"key":"k","reason":"r"})", 400, "either 'by' or"},
           Case{"POST",
                "/v1/replace",
                {},
                R"({"key":"k","by":"a","create":"b","reason":"r"})",
                400,
                "either 'by'"},
           Case{"POST",
                "/v1/replace",
                {},
                R"({"key":"nobody","by":"b","reason":"r"})",
                404,
                "no key is called this"},
           Case{"POST", "/v1/rotate", {}, R"({"key":"k"})", 400, "'reason'"},
           Case{"POST", "/v1/rotate", {}, R"({"key":"nobody","reason":"r"})", 404, "no key is called this"},
           Case{"POST", "/v1/rotate", {}, R"({"key":"cmk-cards","reason":"r"})", 409, "not finished"},
           Case{"POST", "/v1/reload", {}, "{}", 400, "takes no body"},
           Case{"POST", "/v1/release", {}, R"({"hold":"clock_stepped"})", 400, "'reason'"},
           Case{"POST", "/v1/release", {}, R"({"hold":"","reason":"r"})", 400, "'hold' is empty"},
           Case{"POST", "/v1/release", {}, R"({"hodl":"a","reason":"r"})", 400, "unknown member 'hodl'"},
           Case{"POST", "/v1/release", {}, R"({"hold":"nobody","reason":"r"})", 404, "no hold of this name"},
           Case{"GET", "/v1/release", {}, "", 405, "takes POST, not GET"},
           Case{"POST", "/v1/rotations/x/retry", {}, "{}", 400, "takes no body"},
           Case{"POST", "/v1/rotations/x/abandon", {}, "{}", 400, "'reason'"},
       }) {
    INFO(c.method << " " << c.path << " " << c.body);
    ControlAnswer const answer = r.ask(c.method, c.path, c.query, c.body);
    CHECK(answer.status == c.status);
    Error const error = decode_error(answer.body);
    CHECK_THAT(error.what, Contains(c.complaint));
    CHECK_FALSE(error.where.empty());
    CHECK_FALSE(error.code.empty());
  }
}

TEST_CASE("each class of error has its HTTP status", "[control][routes]") {
  CHECK(http_status(ErrorClass::malformed) == 400);
  CHECK(http_status(ErrorClass::access) == 403);
  CHECK(http_status(ErrorClass::not_found) == 404);
  CHECK(http_status(ErrorClass::conflict) == 409);
  CHECK(http_status(ErrorClass::permanent) == 422);
  CHECK(http_status(ErrorClass::storage) == 500);
  CHECK(http_status(ErrorClass::transient) == 503);
  CHECK(http_status(ErrorClass::cancelled) == 503);
}

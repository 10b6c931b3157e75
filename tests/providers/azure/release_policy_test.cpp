#include "providers/azure/release_policy.hpp"

#include "providers/encoding.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::providers;
using azure::release_policy_digest;
using azure::ReleasePolicy;

namespace {

ReleasePolicy saying(std::string const& text) {
  return {"application/json; charset=utf-8", to_base64url(text), false};
}

}  // namespace

TEST_CASE("a release policy that a service writes anew has the same digest") {
  auto const policy = saying(R"({"version":"1.0.0","anyOf":[{"authority":"https://a","allOf":[]}]})");
  auto const again = saying(R"({ "anyOf": [ {"allOf":[], "authority":"https://a"} ], "version": "1.0.0" })");
  CHECK(release_policy_digest(policy).size() == 64);
  CHECK(release_policy_digest(policy) == release_policy_digest(again));
}

TEST_CASE("a release policy that says something else has another digest") {
  auto const other = GENERATE(R"({"anyOf":[{"authority":"https://b"}]})", R"({"anyOf":[]})", "{}",
                              R"({"anyOf":[{"authority":"https://a"},{"authority":"https://b"}]})");
  CHECK(release_policy_digest(saying(R"({"anyOf":[{"authority":"https://a"}]})")) !=
        release_policy_digest(saying(other)));
}

TEST_CASE("the order of entries is part of what a release policy says") {
  CHECK(release_policy_digest(saying("[1,2]")) != release_policy_digest(saying("[2,1]")));
}

TEST_CASE("what is no JSON, or no base64url, has the digest of its bytes") {
  CHECK(release_policy_digest(saying("{")) != release_policy_digest(saying("}")));
  CHECK(release_policy_digest({"", "%", false}) != release_policy_digest({"", "%%", false}));
  CHECK(release_policy_digest({"", "%", false}).size() == 64);
}

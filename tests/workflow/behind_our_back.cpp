#include "tests/workflow/behind_our_back.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd::test {

namespace {

constexpr char const* instance = "0a0a0a0a-0000-4000-8000-000000000001";
constexpr char const* tenant = "11111111-2222-4333-8444-555555555555";

sim::Request request(std::string method, std::string host, std::string target) {
  sim::Request made{
      .method = std::move(method), .host = host, .authority = std::move(host), .target = std::move(target)};
  return made;
}

std::string token(LivingDaemon& life, std::string host, std::string target, std::string form) {
  sim::Request asked = request("POST", std::move(host), std::move(target));
  asked.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  asked.body = std::move(form);
  sim::Delivery const granted = life.cloud().handle(asked, life.clock().wall_now());
  REQUIRE(granted.answer.status == 200);
  return std::string(boost::json::parse(granted.answer.body).as_object().at("access_token").as_string());
}

void call_ibm(LivingDaemon& life, char const* method, std::string const& target) {
  std::string const bearer =
      token(life, "iam.cloud.ibm.com", "/identity/token",
            "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=demo-ibm-prod");
  sim::Request asked = request(method, "us-south.kms.cloud.ibm.com", target);
  asked.headers = {{"Authorization", "Bearer " + bearer}, {"Bluemix-Instance", instance}};
  sim::Answer const answer = life.cloud().handle(asked, life.clock().wall_now()).answer;
  INFO(method << " " << target << ": " << answer.status << " " << answer.body);
  REQUIRE(answer.status / 100 == 2);
}

std::string key_path(char const* key) { return "/api/v2/keys/" + KeyRef::parse(key).value().id.str(); }

}  // namespace

void act_at_ibm(LivingDaemon& life, char const* action, char const* key) {
  bool const of_its_own = std::string_view(action) == "restore";
  call_ibm(life, "POST", key_path(key) + (of_its_own ? "/" : "/actions/") + action);
}

void delete_at_ibm(LivingDaemon& life, char const* key) {
  call_ibm(life, "DELETE", key_path(key) + "?force=true");
}

void act_at_azure(LivingDaemon& life, char const* method, char const* host, std::string const& path,
                  std::string const& body) {
  std::string const audience =
      std::string_view(host).ends_with("managedhsm.azure.net") ? "managedhsm.azure.net" : "vault.azure.net";
  std::string const bearer =
      token(life, "login.microsoftonline.com", std::string("/") + tenant + "/oauth2/v2.0/token",
            "grant_type=client_credentials&client_id=66666666-7777-4888-8999-000000000001"
            "&client_secret=demo-azure-secret&scope=https%3A%2F%2F" +
                audience + "%2F.default");
  sim::Request asked = request(method, host, path + "?api-version=7.4");
  asked.headers = {{"Authorization", "Bearer " + bearer}, {"Content-Type", "application/json"}};
  asked.body = body;
  sim::Answer const answer = life.cloud().handle(asked, life.clock().wall_now()).answer;
  INFO(method << " " << path << ": " << answer.status << " " << answer.body);
  REQUIRE(answer.status / 100 == 2);
}

}  // namespace rekeyd::test

#include "tests/contract/ibm/ibm_world.hpp"

#include "tests/simulator/seed_context.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace {

Instant const start = *parse_rfc3339("2026-11-22T02:00:00Z");

std::string usual_world(std::string const& keys, std::string const& more) {
  return fmt::format(R"(
api_keys:
  - {{ key: manager-key, service_id: ServiceId-manager, key_purge: true }}
  - {{ key: second-key, service_id: ServiceId-second }}
  - {{ key: writer-key, service_id: ServiceId-writer, role: Writer }}
  - {{ key: reader-key, service_id: ServiceId-reader, role: Reader }}
instances:
  - name: kp-main
    id: {}
    flavour: key-protect
    region: us-south
    envelope_provider: ibm-prod
    key_rings: [team-a]
    {}
    keys: {}
  - {{ name: kp-dedicated, id: {}, flavour: key-protect-dedicated, region: eu-de }}
  - {{ name: hpcs-legacy, id: {}, flavour: hpcs, region: us-east, port: 8601 }}
)",
                     kp, more, keys, dedicated, hpcs);
}

}  // namespace

std::string Reply::header(std::string_view name) const {
  auto const found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? std::string() : found->second;
}

json::object const& Reply::resource(std::size_t i) const {
  INFO(text);
  REQUIRE(count() > i);
  return body.at("resources").at(i).as_object();
}

std::size_t Reply::count() const {
  if (!body.is_object()) return 0;
  auto const* list = body.as_object().if_contains("resources");
  return list == nullptr || !list->is_array() ? 0 : list->get_array().size();
}

json::object const& Reply::metadata() const {
  INFO(text);
  REQUIRE(body.is_object());
  return body.at("metadata").as_object();
}

std::string Reply::text_at(std::string_view pointer) const {
  if (!body.is_object()) return {};
  boost::system::error_code error;
  auto const* value = body.find_pointer({pointer.data(), pointer.size()}, error);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::string Reply::code() const { return text_at("/resources/0/reasons/0/code"); }
std::string Reply::message() const { return text_at("/resources/0/reasons/0/message"); }

IbmWorld::IbmWorld(std::string const& keys, std::string const& more)
    : IbmWorld(Whole{}, usual_world(keys, more)) {
  as("manager-key");
}

IbmWorld IbmWorld::from_section(std::string const& yaml) { return {Whole{}, yaml}; }

IbmWorld::IbmWorld(Whole, std::string const& yaml)
    : now(start), random_(std::make_unique<Randomness>(7)), pool_(std::make_unique<RsaPool>(0, *random_)) {
  Mistakes mistakes;
  SeedContext context{now, *random_, *pool_, mistakes};
  services_ = make_services(YAML::Load(yaml), context);
  for (auto const& mistake : mistakes.list()) FAIL_CHECK(to_text("world", mistake));
  REQUIRE(services_.size() >= 2);
}

IbmWorld& IbmWorld::as(std::string const& api_key) {
  auto const reply = sign_in("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=" + api_key);
  REQUIRE(reply.status == 200);
  token_ = reply.text_at("/access_token");
  return *this;
}

IbmWorld& IbmWorld::at_instance(std::string_view id) {
  instance_ = id;
  if (id == kp) host_ = "us-south.kms.cloud.ibm.com";
  if (id == dedicated) host_ = fmt::format("{}.api.eu-de.kms.appdomain.cloud", id);
  if (id == hpcs) host_ = fmt::format("{}.api.us-east.hs-crypto.appdomain.cloud", id);
  return *this;
}

IbmWorld& IbmWorld::under_host(std::string host) {
  host_ = std::move(host);
  return *this;
}

Request IbmWorld::request(std::string const& method, std::string const& path, std::string const& body,
                          Headers const& headers) const {
  Request made;
  made.method = method;
  made.host = host_.substr(0, host_.find(':'));
  made.authority = host_;
  made.target = "/api/v2" + path;
  made.body = body;
  made.headers = headers;  // the first of a name counts, so these win
  made.headers.emplace_back("authorization", "Bearer " + token_);
  made.headers.emplace_back("bluemix-instance", instance_);
  return made;
}

Reply IbmWorld::send(std::string const& method, std::string const& path, std::string const& body,
                     Headers const& headers) {
  return raw(request(method, path, body, headers));
}

Reply IbmWorld::raw(Request const& request) {
  auto& service = iam().serves(request.host) ? iam() : kms();
  REQUIRE(service.serves(request.host));
  auto answer = service.handle(request, now);
  Reply reply{answer.status, std::move(answer.headers), std::move(answer.body), {}};
  boost::system::error_code error;
  auto value = json::parse(reply.text, error);
  if (!error) reply.body = std::move(value);
  return reply;
}

Reply IbmWorld::sign_in(std::string const& form) {
  Request request;
  request.method = "POST";
  request.host = request.authority = "iam.cloud.ibm.com";
  request.target = "/identity/token";
  request.body = form;
  return raw(request);
}

std::string IbmWorld::create_root_key(std::string const& name) {
  auto const reply = post("/keys", envelope(fmt::format(R"({{"name":"{}","extractable":false}})", name)));
  INFO(reply.text);
  REQUIRE(reply.status == 201);
  return reply.text_at("/resources/0/id");
}

std::string IbmWorld::current_version(std::string const& key) {
  return get("/keys/" + key + "/metadata").text_at("/resources/0/keyVersion/id");
}

IbmWorld::Dek IbmWorld::wrap(std::string const& key) {
  auto const reply = post("/keys/" + key + "/actions/wrap");
  REQUIRE(reply.status == 200);
  return {reply.text_at("/ciphertext"), reply.text_at("/plaintext")};
}

std::vector<Mistake> mistakes_of(std::string const& yaml) {
  Randomness random(1);
  RsaPool pool(0, random);
  Mistakes mistakes;
  SeedContext context{start, random, pool, mistakes};
  make_services(YAML::Load(yaml), context);
  return mistakes.list();
}

std::string envelope(std::string const& resource) {
  return fmt::format(
      R"({{"metadata":{{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1}},"resources":[{}]}})",
      resource);
}

}  // namespace rekeyd::sim::ibm

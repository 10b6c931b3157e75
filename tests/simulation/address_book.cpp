#include "tests/simulation/address_book.hpp"

#include "providers/http/transport.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace rekeyd::simulation {

namespace {

constexpr std::string_view ibm_keys = "/api/v2/keys";

std::string host_of(std::string const& url) { return providers::Endpoint::parse(url).value().host; }

std::string path_of(sim::Request const& request) {
  return request.target.substr(0, request.target.find('?'));
}

void add_azure(config::ProviderSettings const& provider, config::AzureSettings const& azure,
               std::vector<Place>& places) {
  for (config::AzureVault const& vault : azure.vaults) {
    places.push_back({provider.name.str(),
                      vault.name.str(),
                      true,
                      host_of(vault.url),
                      {},
                      azure.credentials.tenant,
                      azure.credentials.client_id,
                      std::get<config::ClientSecret>(azure.credentials.proof).secret.name});
  }
}

void add_ibm(config::ProviderSettings const& provider, config::IbmSettings const& ibm,
             std::vector<Place>& places) {
  for (config::IbmInstance const& instance : ibm.instances) {
    places.push_back({provider.name.str(),
                      instance.name.str(),
                      false,
                      host_of(instance.url),
                      instance.id,
                      {},
                      {},
                      std::get<config::IbmApiKey>(ibm.credentials.proof).secret.name});
  }
}

}  // namespace

AddressBook::AddressBook(config::Settings const& settings) {
  for (config::ProviderSettings const& provider : settings.providers) {
    if (auto const* azure = std::get_if<config::AzureSettings>(&provider.cloud)) {
      add_azure(provider, *azure, places_);
    } else {
      add_ibm(provider, std::get<config::IbmSettings>(provider.cloud), places_);
    }
  }
}

Place const* AddressBook::of_key(std::string const& key) const {
  for (Place const& place : places_) {
    if (key.starts_with(place.provider + "/" + place.vault + "/")) return &place;
  }
  return nullptr;
}

std::vector<std::string> AddressBook::hosts() const {
  std::set<std::string> hosts;
  for (Place const& place : places_) hosts.insert(place.host);
  return {hosts.begin(), hosts.end()};
}

Place const* AddressBook::of_request(sim::Request const& request) const {
  std::string_view const instance = request.header("Bluemix-Instance");
  auto const found = std::ranges::find_if(places_, [&](Place const& place) {
    return place.host == request.host && (place.azure || place.instance == instance);
  });
  return found == places_.end() ? nullptr : &*found;
}

std::optional<std::string> AddressBook::key_of(sim::Request const& request) const {
  Place const* place = of_request(request);
  if (place == nullptr) return std::nullopt;
  std::string const path = path_of(request);
  std::string const before = place->azure ? "/keys/" : "/api/v2/keys/";
  if (!path.starts_with(before)) return std::nullopt;
  std::string const name = path.substr(before.size(), path.find('/', before.size()) - before.size());
  return place->provider + "/" + place->vault + "/" + sim::lower(name);
}

bool AddressBook::makes_version(sim::Request const& request) {
  std::string const path = path_of(request);
  constexpr std::string_view keys = "/keys/";
  bool const import =
      request.method == "PUT" && path.starts_with(keys) && path.find('/', keys.size()) == path.npos;
  if (import) return true;
  if (request.method != "POST") return false;
  return path.ends_with("/rotate") || path.ends_with("/create") || path == ibm_keys ||
         request.target.find("action=rotate") != std::string::npos;
}

std::optional<std::string> AddressBook::creates(sim::Request const& request) const {
  Place const* place = of_request(request);
  std::string const path = path_of(request);
  if (place == nullptr || request.method != "POST") return std::nullopt;
  if (place->azure) return path.ends_with("/create") ? key_of(request) : std::nullopt;
  if (path != ibm_keys) return std::nullopt;
  boost::system::error_code error;
  auto const body = boost::json::parse(request.body, error);
  auto const name = body.find_pointer("/resources/0/name", error);
  if (name == nullptr || !name->is_string()) return std::nullopt;
  return place->provider + "/" + place->vault + "/" + std::string(name->get_string());
}

std::optional<AddressBook::Version> AddressBook::takes_out_of_use(sim::Request const& request,
                                                                  Instant now) const {
  Place const* place = of_request(request);
  auto const key = key_of(request);
  if (request.method != "PATCH" || place == nullptr || !place->azure || !key) return std::nullopt;
  boost::system::error_code error;
  auto const body = boost::json::parse(request.body, error);
  if (error || !body.is_object() || !body.as_object().contains("attributes")) return std::nullopt;
  auto const& attributes = body.at("attributes").as_object();
  auto const* enabled = attributes.if_contains("enabled");
  auto const* expires = attributes.if_contains("exp");
  bool const disables = enabled != nullptr && !enabled->as_bool();
  bool const expires_soon =
      expires != nullptr &&
      Instant(std::chrono::seconds(expires->to_number<std::int64_t>())) < now + std::chrono::hours(24);
  if (!disables && !expires_soon) return std::nullopt;
  std::string const path = path_of(request);
  return Version{*key, path.substr(path.rfind('/') + 1)};
}

bool AddressBook::may_change(sim::Request const& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  constexpr std::array harmless{"/wrapkey", "/unwrapkey", "/wrap", "/unwrap", "/rewrap", "/token"};
  std::string const path = sim::lower(path_of(request));
  return std::ranges::none_of(harmless, [&path](char const* end) { return path.ends_with(end); });
}

}  // namespace rekeyd::simulation

#include "providers/auth/managed_identity.hpp"

#include "providers/auth/arc_key_file.hpp"
#include "providers/auth/managed_identity_error.hpp"
#include "providers/auth/token_cache.hpp"
#include "providers/auth/token_request.hpp"
#include "providers/encoding.hpp"
#include "providers/http/wire_request.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::seconds;
using Named = ManagedIdentity::Named;

// The resource itself: these services know no scopes.
std::string resource_of(std::string audience) {
  constexpr std::string_view all_of_it = "/.default";
  if (audience.ends_with(all_of_it)) audience.resize(audience.size() - all_of_it.size());
  if (audience.ends_with('/')) audience.pop_back();
  return audience;
}

// What one kind of service calls its parameters.
struct Dialect {
  char const* api_version;
  char const* object_id;
  char const* resource_id;
};
constexpr Dialect imds_dialect{"2018-02-01", "object_id", "msi_res_id"};
constexpr Dialect app_service_dialect{"2019-08-01", "principal_id", "mi_res_id"};
constexpr Dialect arc_dialect{"2019-11-01", "", ""};

std::string identity_parameter(ManagedIdentity const& identity, Dialect const& dialect) {
  char const* name = "client_id";
  if (identity.named == Named::system_assigned) return {};
  if (identity.named == Named::object_id) name = dialect.object_id;
  if (identity.named == Named::resource_id) name = dialect.resource_id;
  return fmt::format("&{}={}", name, percent_encode(identity.id));
}

// What all three have in common: a GET for a resource, tried again as the service's documentation says.
class LocalIssuer : public TokenIssuer {
 public:
  LocalIssuer(ApiClient& api, Clock& clock, ManagedIdentity identity, LocalService service,
              Dialect const& dialect)
      : api_(api),
        clock_(clock),
        identity_(std::move(identity)),
        service_(std::move(service)),
        dialect_(dialect) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish wish, Clock::Mono deadline) override {
    auto const resource = resource_of(std::move(wish.audience));
    auto const began = clock_.mono_now();
    for (int tries = 1;; ++tries) {
      auto const response = co_await ask(resource, deadline);
      auto const again_at = next_try(response, tries, began);
      if (again_at && *again_at < deadline) {
        co_await clock_.sleep_until(*again_at);
        continue;
      }
      if (!response) co_return std::unexpected(response.error());
      if (response->status == 200) co_return read_token(*response, clock_.wall_now(), where());
      co_return std::unexpected(managed_identity_error(*response, where()));
    }
  }

 protected:
  virtual asio::awaitable<Result<HttpResponse>> ask(std::string resource, Clock::Mono deadline) = 0;

  HttpRequest request_for(std::string const& resource) const {
    HttpRequest request;
    request.endpoint = service_.endpoint;
    request.target = fmt::format("{}?api-version={}&resource={}{}", service_.path, dialect_.api_version,
                                 percent_encode(resource), identity_parameter(identity_, dialect_));
    request.headers = {{"Accept", "application/json"}};
    return request;
  }
  asio::awaitable<Result<HttpResponse>> send(HttpRequest request, Clock::Mono deadline) {
    return api_.call(std::move(request), Repeatable::yes, deadline);
  }
  std::string where() const {
    return fmt::format("GET {}{}", service_.endpoint.host_header(), service_.path);
  }
  Clock& clock() { return clock_; }

 private:
  std::optional<Clock::Mono> next_try(Result<HttpResponse> const& response, int tries,
                                      Clock::Mono began) const {
    bool const passing = response || response.error().error_class == ErrorClass::transient;
    if (!passing) return std::nullopt;
    auto const now = clock_.mono_now();
    auto const since = std::chrono::floor<seconds>(now - began);
    auto wait = wait_for_instance_service(response ? response->status : 0, tries, since);
    if (!wait) return std::nullopt;
    if (response) {
      auto const asked = parse_retry_after(response->header("Retry-After"), clock_.wall_now());
      if (asked) wait = std::max(*wait, *asked);
    }
    return now + *wait;
  }

  ApiClient& api_;
  Clock& clock_;
  ManagedIdentity identity_;
  LocalService service_;
  Dialect const& dialect_;
};

class InstanceIssuer final : public LocalIssuer {
 public:
  InstanceIssuer(ApiClient& api, Clock& clock, ManagedIdentity identity, LocalService service)
      : LocalIssuer(api, clock, std::move(identity), std::move(service), imds_dialect) {}

  // Off Azure nobody answers there, and every try would take the system's own patience.
  asio::awaitable<Result<IssuedToken>> issue(TokenWish wish, Clock::Mono deadline) override {
    if (!found_) {
      auto probe = request_for(resource_of(wish.audience));
      auto const answer = co_await send(std::move(probe), std::min(deadline, clock().mono_now() + 1s));
      if (!answer) co_return std::unexpected(no_instance_service(answer.error()));
      found_ = true;
    }
    co_return co_await LocalIssuer::issue(std::move(wish), deadline);
  }

 private:
  asio::awaitable<Result<HttpResponse>> ask(std::string resource, Clock::Mono deadline) override {
    auto request = request_for(resource);
    request.headers.emplace_back("Metadata", "true");
    return send(std::move(request), deadline);
  }

  bool found_{false};
};

class AppServiceIssuer final : public LocalIssuer {
 public:
  AppServiceIssuer(ApiClient& api, Clock& clock, ManagedIdentity identity, LocalService service,
                   Secret header)
      : LocalIssuer(api, clock, std::move(identity), std::move(service), app_service_dialect),
        header_(std::move(header)) {}

 private:
  asio::awaitable<Result<HttpResponse>> ask(std::string resource, Clock::Mono deadline) override {
    auto request = request_for(resource);
    request.headers.emplace_back("X-IDENTITY-HEADER", header_.reveal());
    return send(std::move(request), deadline);
  }

  Secret header_;
};

class ArcIssuer final : public LocalIssuer {
 public:
  ArcIssuer(ApiClient& api, Clock& clock, LocalService service, std::filesystem::path key_folder)
      : LocalIssuer(api, clock, {}, std::move(service), arc_dialect), key_folder_(std::move(key_folder)) {}

 private:
  asio::awaitable<Result<HttpResponse>> ask(std::string resource, Clock::Mono deadline) override {
    auto request = request_for(resource);
    request.headers.emplace_back("Metadata", "true");
    HttpRequest proven = request;
    auto challenge = co_await send(std::move(request), deadline);
    if (!challenge || challenge->status != 401) co_return challenge;
    auto const key = read_arc_key(challenge->header("WWW-Authenticate"), key_folder_);
    if (!key) co_return std::unexpected(key.error());
    std::string proof = "Basic ";
    proof += key->reveal();
    proven.headers.emplace_back("Authorization", std::move(proof));
    co_return co_await send(std::move(proven), deadline);
  }

  std::filesystem::path key_folder_;
};

std::unexpected<Error> no_service(std::string_view url, char const* why) {
  Error error;
  error.delivery = Delivery::not_sent;
  error.what = fmt::format("not the address of a local token service: {}", why);
  error.where = url;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<LocalService> LocalService::parse(std::string_view url) {
  namespace urls = boost::urls;
  auto const parsed = urls::parse_uri(urls::string_view(url.data(), url.size()));
  if (!parsed || parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment())
    return no_service(url, "it is not a plain URL");
  auto const origin = parsed->encoded_origin();
  auto endpoint = Endpoint::parse(std::string_view(origin.data(), origin.size()));
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  if (!endpoint->https && !may_go_in_clear(*endpoint))
    return no_service(url, "plain http is for this machine and its link only");
  std::string path(parsed->encoded_path());
  while (path.ends_with('/')) path.pop_back();
  if (path.empty()) return no_service(url, "it has no path");
  return LocalService{*std::move(endpoint), std::move(path)};
}

std::optional<seconds> wait_for_instance_service(unsigned outcome, int tries, seconds since_first) {
  constexpr std::array waits{2s, 6s, 14s, 30s};
  constexpr seconds update_takes = 70s;
  bool const passing =
      outcome == 0 || outcome == 404 || outcome == 408 || outcome == 410 || outcome == 429 || outcome >= 500;
  if (!passing) return std::nullopt;
  auto const number = static_cast<std::size_t>(tries - 1);
  if (number < waits.size()) return waits.at(number);
  if (outcome == 410 && since_first < update_takes) return update_takes - since_first;
  return std::nullopt;
}

std::unique_ptr<CredentialSource> make_instance_identity(ApiClient& api, Clock& clock,
                                                         ManagedIdentity identity) {
  LocalService service{{"169.254.169.254", "80", false}, "/metadata/identity/oauth2/token"};
  auto issuer = std::make_unique<InstanceIssuer>(api, clock, std::move(identity), std::move(service));
  return make_token_cache(clock, std::move(issuer), entra_times);
}

std::unique_ptr<CredentialSource> make_app_service_identity(ApiClient& api, Clock& clock,
                                                            ManagedIdentity identity, LocalService service,
                                                            Secret header) {
  auto issuer = std::make_unique<AppServiceIssuer>(api, clock, std::move(identity), std::move(service),
                                                   std::move(header));
  return make_token_cache(clock, std::move(issuer), entra_times);
}

std::unique_ptr<CredentialSource> make_arc_identity(ApiClient& api, Clock& clock, LocalService service,
                                                    std::filesystem::path key_folder) {
  auto issuer = std::make_unique<ArcIssuer>(api, clock, std::move(service), std::move(key_folder));
  return make_token_cache(clock, std::move(issuer), entra_times);
}

}  // namespace rekeyd::providers

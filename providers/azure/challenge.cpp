#include "providers/azure/challenge.hpp"

#include "providers/json_answer.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace urls = boost::urls;

namespace {

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lowered;
}

/// Walks over the header's words (RFC 9110, 11.6.1).
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  std::string_view token() {
    auto const end = std::min(rest_.find_first_of(" \t,=\""), rest_.size());
    auto const token = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return token;
  }
  bool take(char character) {
    if (!rest_.starts_with(character)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> value() {
    if (!take('"')) return std::string(token());
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!take('"')) return std::nullopt;
    return value;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::string first_of(std::map<std::string, std::string> const& parameters, char const* one,
                     char const* other) {
  for (char const* name : {one, other}) {
    auto const found = parameters.find(name);
    if (found != parameters.end() && !found->second.empty()) return found->second;
  }
  return {};
}

std::string https_host(std::string_view url, bool path_wanted) {
  auto const parsed = urls::parse_uri(urls::string_view(url.data(), url.size()));
  if (!parsed || parsed->scheme_id() != urls::scheme::https || parsed->has_userinfo()) return {};
  auto const path = parsed->encoded_path();
  if (path_wanted && (path.size() < 2 || path[1] == '/')) return {};
  auto const host = parsed->encoded_host();
  return lower({host.data(), host.size()});
}

bool is_authority(std::string_view host, std::string_view configured) {
  return host == configured || (configured == "login.microsoftonline.com" && host == "login.windows.net");
}

Error refuse(std::string what, std::string const& where) {
  Error error;
  error.error_class = ErrorClass::access;
  error.what = std::move(what);
  error.where = where;
  error.http_status = 401;
  error.remedy =
      "no token was sent; check the vault's address, the provider's kind and the configured authority, and "
      "who "
      "answers there";
  return error;
}

}  // namespace

std::optional<std::map<std::string, std::string>> parse_bearer_challenge(std::string_view value) {
  Words words(value);
  words.skip(" \t,");
  bool bearer = false;
  std::map<std::string, std::string> parameters;
  while (!words.done()) {
    std::string const word = lower(words.token());
    words.skip(" \t");
    if (word.empty()) return std::nullopt;
    if (!words.take('=')) {
      if (bearer) break;  // The next scheme begins: the rest is not ours.
      bearer = word == "bearer";
      continue;
    }
    words.skip(" \t");
    auto text = words.value();
    if (!text) return std::nullopt;
    if (bearer && !parameters.emplace(word, std::move(*text)).second) return std::nullopt;
    words.skip(" \t,");
  }
  if (!bearer) return std::nullopt;
  return parameters;
}

Result<std::string> check_challenge(std::string_view www_authenticate, Endpoint const& vault,
                                    std::string_view authority_host, std::string const& where) {
  auto const parameters = parse_bearer_challenge(www_authenticate);
  if (!parameters) return std::unexpected(malformed_answer("the 401 carries no Bearer challenge", where));
  auto const authority = https_host(first_of(*parameters, "authorization", "authorization_uri"), true);
  if (!is_authority(authority, authority_host)) {
    return std::unexpected(refuse(
        fmt::format("the challenge sends us to the authority '{}', not to {}", authority, authority_host),
        where));
  }
  std::string resource = first_of(*parameters, "resource", "scope");
  constexpr std::string_view default_scope = "/.default";
  if (resource.ends_with(default_scope)) resource.resize(resource.size() - default_scope.size());
  auto const resource_host = https_host(resource, false);
  auto const dot = vault.host.find('.');
  if (resource_host.empty() || dot == std::string::npos || vault.host.substr(dot + 1) != resource_host) {
    return std::unexpected(refuse(
        fmt::format("the challenge asks for a token for '{}', which is not this vault's", resource_host),
        where));
  }
  return "https://" + resource_host;
}

}  // namespace rekeyd::providers::azure

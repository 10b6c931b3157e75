#include "providers/auth/bearer_challenge.hpp"

#include "providers/encoding.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cctype>

namespace rekeyd::providers {
namespace {

using boost::beast::iequals;

constexpr std::size_t header_size_max = 8 << 10;

// A reader of RFC 9110's auth-param lists: name = token or quoted string, separated by commas.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}

  /// The parameters after "Bearer", up to the next scheme; nothing if the text is not such a list.
  std::optional<std::map<std::string, std::string>> of_bearer() {
    if (!skip_to_bearer()) return std::nullopt;
    std::map<std::string, std::string> found;
    for (;;) {
      skip(" \t,");
      if (rest_.empty()) return found;
      auto const name = word();
      skip(" \t");
      if (name.empty()) return std::nullopt;
      if (!rest_.starts_with('=')) return found;  // a word without a value begins the next scheme
      rest_.remove_prefix(1);
      skip(" \t");
      auto value = value_text();
      if (!value) return std::nullopt;
      found.emplace(lower(name), std::move(*value));  // of two, the first counts
    }
  }

 private:
  static std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  }

  void skip(char const* characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }

  std::string_view word() {
    auto const taken = rest_.substr(0, rest_.find_first_of(" \t,=\""));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> value_text() {
    if (!rest_.starts_with('"')) return std::string(word());
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return std::nullopt;
  }

  bool skip_to_bearer() {
    while (!rest_.empty()) {
      skip(" \t,");
      auto const scheme = word();
      bool const followed = rest_.starts_with(' ') || rest_.starts_with('\t');
      if (followed && iequals(scheme, "Bearer")) return true;
      skip(" \t");
      if (rest_.starts_with('=')) {  // a parameter of another scheme
        rest_.remove_prefix(1);
        skip(" \t");
        if (!value_text()) return false;
      } else if (rest_.starts_with('"')) {
        return false;
      }
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::map<std::string, std::string>> bearer_parameters(std::string_view www_authenticate) {
  if (www_authenticate.size() > header_size_max) return std::nullopt;
  return Parameters(www_authenticate).of_bearer();
}

std::string demanded_claims(std::string_view www_authenticate) {
  auto const parameters = bearer_parameters(www_authenticate);
  if (!parameters || !parameters->contains("claims")) return {};
  auto const& encoded = parameters->at("claims");
  auto decoded = from_base64(encoded);
  if (!decoded) decoded = from_base64url(encoded);
  if (!decoded) return {};
  boost::json::error_code broken;
  auto const claims = boost::json::parse(*decoded, broken);
  return !broken && claims.is_object() ? boost::json::serialize(claims) : std::string();
}

void forget_refused(CredentialSource& credentials, AccessTokenPtr const& token,
                    std::string_view www_authenticate) {
  auto const claims = demanded_claims(www_authenticate);
  if (claims.empty()) {
    credentials.forget(token);
  } else {
    credentials.forget_for_claims(token, claims);
  }
}

}  // namespace rekeyd::providers

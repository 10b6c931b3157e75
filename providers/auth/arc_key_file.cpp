#include "providers/auth/arc_key_file.hpp"

#include "providers/auth/secret_file.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

constexpr std::uintmax_t size_max = 4096;

std::unexpected<Error> refuse(std::string what, std::filesystem::path const& where, char const* remedy) {
  Error error;
  error.error_class = ErrorClass::access;
  error.delivery = Delivery::not_sent;
  error.what = "the Azure Arc agent's challenge is not answered: " + std::move(what);
  error.where = where.string();
  error.remedy = remedy;
  return std::unexpected(std::move(error));
}

constexpr char const* suspicious = "check what answers at the agent's address: it may not be the agent";

std::string_view realm_in(std::string_view challenge) {
  constexpr std::string_view prefix = "Basic realm=";
  bool const known =
      challenge.size() > prefix.size() && boost::beast::iequals(challenge.substr(0, prefix.size()), prefix);
  if (!known) return {};
  challenge.remove_prefix(prefix.size());
  if (challenge.size() >= 2 && challenge.front() == '"' && challenge.back() == '"')
    challenge = challenge.substr(1, challenge.size() - 2);
  return challenge;
}

}  // namespace

Result<Secret> read_arc_key(std::string_view www_authenticate, std::filesystem::path const& key_folder) {
  std::filesystem::path const named(realm_in(www_authenticate));
  if (named.empty()) return refuse("it names no file", "WWW-Authenticate", suspicious);
  if (named.parent_path() != key_folder || named.extension() != ".key")
    return refuse("it names another file than a key of the agent", named, suspicious);
  std::error_code unreadable;
  auto const real = std::filesystem::canonical(named, unreadable);
  if (unreadable)
    return refuse(unreadable.message(), named,
                  "put the daemon into the agent's group: SupplementaryGroups=himds");
  if (real.parent_path() != std::filesystem::canonical(key_folder, unreadable))
    return refuse("the key lies elsewhere", named, suspicious);
  auto const size = std::filesystem::file_size(real, unreadable);
  if (unreadable || size > size_max)
    return refuse(fmt::format("the key is larger than {} bytes or no file", size_max), named, suspicious);
  auto key = read_secret_file(real, CredentialShape::projected_token);
  if (!key && key.error().what.find("cannot open") != std::string::npos)
    key.error().remedy = "put the daemon into the agent's group: SupplementaryGroups=himds";
  return key;
}

}  // namespace rekeyd::providers

#include "providers/azure/paging.hpp"

#include "providers/json_answer.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

namespace urls = boost::urls;

std::string_view as_std(urls::string_view text) { return {text.data(), text.size()}; }

bool same_text(std::string_view a, std::string_view b) {
  auto const folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, folded, folded);
}

// Dot segments could leave the collection, in whatever spelling a server normalises.
bool stays_under(std::string_view root, urls::url_view const& url) {
  auto const path = as_std(url.encoded_path());
  if (!path.starts_with(root)) return false;
  if (path.size() > root.size() && path[root.size()] != '/') return false;
  return path.find("..") == std::string_view::npos && path.find('%') == std::string_view::npos &&
         path.find("//") == std::string_view::npos;
}

bool names_api_version(urls::url_view const& url) {
  for (auto const parameter : url.encoded_params()) {
    if (same_text(as_std(parameter.key), "api-version")) return true;
  }
  return false;
}

std::string defect_of(urls::url_view const& url, Endpoint const& vault, std::string_view root) {
  if (url.scheme_id() != urls::scheme::https) return "nextLink is not https";
  if (url.has_userinfo()) return "nextLink carries a user name";
  if (!same_text(as_std(url.encoded_host()), vault.host)) return "nextLink leads to another host";
  auto const port = as_std(url.port());
  if (!port.empty() && port != "443" && port != vault.port) return "nextLink leads to another port";
  if (!stays_under(root, url)) return fmt::format("nextLink leads out of {}", root);
  return {};
}

}  // namespace

Result<std::string> next_page_target(std::string_view next_link, Endpoint const& vault,
                                     std::string_view api_version, std::string const& where,
                                     std::string_view root) {
  auto const parsed = urls::parse_uri(urls::string_view(next_link.data(), next_link.size()));
  if (!parsed) return std::unexpected(malformed_answer("nextLink is not a URL", where));
  if (auto const defect = defect_of(*parsed, vault, root); !defect.empty()) {
    return std::unexpected(malformed_answer(defect, where));
  }
  std::string target(as_std(parsed->encoded_path()));
  auto const query = as_std(parsed->encoded_query());
  target += '?';
  target += query;
  if (!names_api_version(*parsed)) {
    target += fmt::format("{}api-version={}", query.empty() ? "" : "&", api_version);
  }
  return target;
}

}  // namespace rekeyd::providers::azure

#include "tests/simulator/azure/key_directory.hpp"

#include "tests/simulator/message.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <vector>

namespace rekeyd::sim::azure {

std::string KeyUrl::to_text() const {
  std::string text = "https://" + host + "/keys/" + name;
  return version.empty() ? text : text + "/" + version;
}

bool KeyUrl::operator==(KeyUrl const& other) const {
  return host == other.host && lower(name) == lower(other.name) && lower(version) == lower(other.version);
}

std::optional<KeyUrl> parse_key_url(std::string_view text) {
  auto const url = boost::urls::parse_uri(text);
  if (!url || url->scheme() != "https" || url->has_query() || url->has_fragment()) return std::nullopt;
  std::vector<std::string> segments;
  for (auto const& segment : url->segments()) segments.push_back(segment);
  if (segments.size() < 2 || segments.size() > 3 || segments[0] != "keys" || segments[1].empty()) {
    return std::nullopt;
  }
  return KeyUrl{lower(std::string(url->host())), segments[1], segments.size() == 3 ? segments[2] : ""};
}

}  // namespace rekeyd::sim::azure

#include "tests/simulator/azure/vault.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

/// Paging. A page's link names the last entry shown, so that entries made or removed between two pages
/// neither repeat nor hide others. Key Vault orders by name or version id; Managed HSM lists versions as they
/// were made.
namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr unsigned largest_page = 25;

/// The page size, or 0 when `maxresults` is not 1 to 25.
unsigned page_size(Target const& target) {
  auto const text = target.param("maxresults");
  if (!text) return largest_page;
  unsigned size = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
  bool const number = error == std::errc() && end == text->data() + text->size();
  return number && size >= 1 && size <= largest_page ? size : 0;
}

std::string skip_token(VaultKind kind, std::string const& marker) {
  if (kind == VaultKind::managed_hsm) return base64url(marker);
  return base64url(json::serialize(json::object{{"NextMarker", base64(marker)}, {"TargetLocation", 0}}));
}

std::optional<std::string> marker_of(VaultKind kind, std::string const& token) {
  auto const decoded = from_base64url(token);
  if (!decoded || kind == VaultKind::managed_hsm) return decoded;
  auto const object = json_object(*decoded);
  auto const marker = object ? string_member(*object, "NextMarker") : std::nullopt;
  return marker ? from_base64(*marker) : std::nullopt;
}

Answer bad_page() { return bad_parameter("maxresults must be from 1 to 25, $skiptoken as it was given."); }

struct Page {
  unsigned size{0};
  std::string after;  ///< The last entry of the page before; empty on the first.
};

std::optional<Page> parse_page(VaultKind kind, Target const& target) {
  Page page{page_size(target), {}};
  if (page.size == 0) return std::nullopt;
  if (auto const token = target.param("$skiptoken")) {
    auto const marker = marker_of(kind, *token);
    if (!marker) return std::nullopt;
    page.after = *marker;
  }
  return page;
}

}  // namespace

std::string Vault::next_link(Call const& call, std::string const& marker, unsigned size) const {
  std::string const path = call.request.target.substr(0, call.request.target.find('?'));
  std::string const token = skip_token(settings_.kind, marker);
  if (settings_.kind == VaultKind::managed_hsm) {
    return fmt::format("{}{}?maxresults={}&$skiptoken={}", call.writing.base, path, size, token);
  }
  std::string const port = port_suffix(call.writing.base.substr(8)).empty() ? ":443" : "";
  return fmt::format("{}{}{}?api-version={}&$skiptoken={}&maxresults={}", call.writing.base, port, path,
                     *call.target.param("api-version"), token, size);
}

Answer Vault::list_by_name(Call const& call, bool deleted, char const* operation) {
  if (!allows(Work::list, call)) return too_much(Work::list);
  auto const page = parse_page(settings_.kind, call.target);
  if (!page) return bad_page();
  json::array value;
  std::string link;
  std::string last;
  for (auto entry = keys_.upper_bound(page->after); entry != keys_.end(); ++entry) {
    Key& key = entry->second;
    if (key.deleted.has_value() != deleted) continue;
    if (!deleted) rotate_if_due(key, call.now);
    KeyVersion const* version = deleted ? &key.versions.back() : key.latest(call.now);
    if (version == nullptr) continue;
    if (value.size() == page->size) {
      link = next_link(call, last, page->size);
      break;
    }
    auto item = item_json(key, *version, false, call.writing);
    if (deleted) add_deletion(item, key, call.writing);
    value.push_back(std::move(item));
    last = entry->first;
  }
  json::object body{{"value", std::move(value)}};
  body["nextLink"] = link.empty() ? json::value(nullptr) : json::value(link);
  return ok(std::move(body), operation);
}

Answer Vault::list_keys(Call const& call) { return list_by_name(call, false, "keys.list"); }
Answer Vault::list_deleted(Call const& call) { return list_by_name(call, true, "deletedkeys.list"); }

Answer Vault::list_versions(Call const& call) {
  if (!allows(Work::read, call)) return too_much(Work::read);
  auto const page = parse_page(settings_.kind, call.target);
  if (!page) return bad_page();
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  std::vector<KeyVersion const*> versions;
  for (auto const& version : (*key)->versions) {
    if (version.visible_from <= call.now) versions.push_back(&version);
  }
  auto const id = [](KeyVersion const* version) { return version->id; };
  if (settings_.kind == VaultKind::vault) std::ranges::sort(versions, {}, id);
  auto next = versions.begin();
  if (!page->after.empty()) {
    auto const shown = std::ranges::find(versions, page->after, id);
    next = shown == versions.end() ? shown : shown + 1;
  }
  json::array value;
  for (; next != versions.end() && value.size() < page->size; ++next) {
    value.push_back(item_json(**key, **next, true, call.writing));
  }
  json::object body{{"value", std::move(value)}, {"nextLink", nullptr}};
  if (next != versions.end()) body["nextLink"] = next_link(call, (*(next - 1))->id, page->size);
  return ok(std::move(body), "keys.versions");
}

}  // namespace rekeyd::sim::azure

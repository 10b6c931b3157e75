// Which of the published limits a request draws on, told from its method and path.
#include "providers/azure/letter_case.hpp"
#include "providers/azure/service_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace rekeyd::providers::azure {

namespace {

/// The path's segments in lower case; the query is left out.
std::vector<std::string> segments_of(std::string_view target) {
  std::string const path = lower_case(target.substr(0, target.find('?')));
  std::vector<std::string> segments;
  for (std::size_t at = path.starts_with('/') ? 1 : 0; at < path.size();) {
    auto const end = std::min(path.find('/', at), path.size());
    segments.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

VaultWork work_on_key(std::string_view method, std::vector<std::string> const& segments) {
  std::string const& last = segments.back();
  if (segments.front() == "deletedkeys") return method == "GET" ? VaultWork::key : VaultWork::remove;
  if (method == "DELETE") return VaultWork::remove;
  if (method == "PUT" && segments.size() == 2) return VaultWork::import;
  if (method != "POST") return VaultWork::key;
  if (last == "create" || last == "rotate" || last == "release") return VaultWork::create;
  if (last == "wrapkey" || last == "encrypt") return VaultWork::protect;
  return last == "unwrapkey" || last == "decrypt" ? VaultWork::open : VaultWork::key;
}

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

/// `parts`: what follows "/providers/Microsoft.Compute".
void classify_compute(std::span<std::string const> parts, bool reads, ArmRequest& request) {
  if (parts.empty()) return;
  bool const operation = parts.size() >= 4 && parts[0] == "locations" && parts[2].ends_with("operations");
  if (operation) {
    request.work = ArmWork::operation;
    request.resource = fmt::format("operation {}", parts[3]);
  } else if (parts[0] == "virtualmachines" && parts.size() >= 2) {
    request.work = reads ? ArmWork::machine_read : ArmWork::machine_change;
    request.resource = fmt::format("machine {}", parts[1]);
  } else if (parts[0] == "virtualmachines" || parts[0] == "locations") {
    request.work = ArmWork::machine_list;
  } else {
    request.work = reads ? ArmWork::set_read : ArmWork::set_change;
  }
}

}  // namespace

VaultRequest vault_request(std::string_view method, std::string_view target) {
  auto const segments = segments_of(target);
  bool const of_key = segments.size() >= 2 && (segments[0] == "keys" || segments[0] == "deletedkeys");
  if (!of_key) return {VaultWork::vault, {}};
  return {work_on_key(method, segments), segments[1]};
}

ArmRequest arm_request(std::string_view method, std::string_view target) {
  auto const segments = segments_of(target);
  ArmRequest request;
  request.verb = is_read(method) ? ArmVerb::read : method == "DELETE" ? ArmVerb::remove : ArmVerb::write;
  if (segments.size() >= 2 && segments[0] == "subscriptions") request.subscription = segments[1];
  auto const provider = std::ranges::find(segments, "microsoft.compute");
  if (provider == segments.end()) return request;
  classify_compute({std::next(provider), segments.end()}, is_read(method), request);
  // Two resource groups may each have a machine of one name.
  if (!request.resource.empty() && segments.size() > 3 && segments[2] == "resourcegroups") {
    request.resource += " in " + segments[3];
  }
  return request;
}

}  // namespace rekeyd::providers::azure

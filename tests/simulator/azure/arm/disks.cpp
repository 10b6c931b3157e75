#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"

#include <boost/json.hpp>

/// Managed disks and snapshots: reading only.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

template <class Map>
auto const* find(Map const& map, std::string const& key) {
  auto const found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

json::object written(Estate const& estate, Disk const& disk, bool snapshot, IdCase ids) {
  auto const* set = find(estate.sets, disk.set);
  return snapshot ? snapshot_json(disk, set, ids)
                  : disk_json(disk, find(estate.machines, disk.machine), set, ids);
}

}  // namespace

Answer ResourceManager::disks(Call const& call) {
  bool const snapshot = call.id.parts.front().first == "snapshots";
  char const* const type = snapshot ? "snapshots" : "disks";
  auto const& all = snapshot ? call.seen.snapshots : call.seen.disks;
  if (call.request.method != "GET" || call.id.parts.size() > 1) return no_route(call.request.method);
  if (!call.id.name(0).empty()) {
    ResourceName const name{call.id.subscription, call.id.group, type, call.id.name(0)};
    Disk const* disk = find(all, name.key());
    auto answer = disk == nullptr
                      ? no_resource(std::string("Microsoft.Compute/") + type, name.name, name.group)
                      : json_answer(200, written(call.seen, *disk, snapshot, IdCase::as_made));
    answer.operation = std::string(type) + ".get";
    return answer;
  }
  json::array list;
  for (auto const& [key, disk] : all) {
    if (disk.name.subscription != call.id.subscription) continue;
    if (call.id.in_group() && lower(disk.name.group) != lower(call.id.group)) continue;
    list.push_back(written(call.seen, disk, snapshot, list_ids()));
  }
  return page(call, std::move(list), snapshot ? "snapshots.list" : "disks.list");
}

}  // namespace rekeyd::sim::azure::arm

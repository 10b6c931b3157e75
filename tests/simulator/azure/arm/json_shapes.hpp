#pragma once
#include "tests/simulator/azure/arm/estate.hpp"

#include <boost/json/fwd.hpp>

/// How resources are written, as Compute's specification and recorded exchanges have it. Members that are not
/// set are left out.
namespace rekeyd::sim::azure::arm {

/// Lists of Compute write the resource group in capitals.
enum class IdCase { as_made, shouted };

boost::json::object set_json(DiskEncryptionSet const& set, IdCase ids);
/// Without "instanceView".
boost::json::object machine_json(VirtualMachine const& machine, IdCase ids);
/// `hide_power`: without its PowerState, as reads sometimes are.
boost::json::object instance_view_json(VirtualMachine const& machine, bool hide_power);
/// The only extension that machines have here: that of disk encryption. Precondition: has_extension().
boost::json::object extension_json(VirtualMachine const& machine);
inline bool has_extension(VirtualMachine const& machine) { return machine.ade && machine.ade->by_extension; }
/// Its name and type.
char const* disk_encryption_extension(VirtualMachine const& machine);
boost::json::object disk_json(Disk const& disk, VirtualMachine const* owner, DiskEncryptionSet const* set,
                              IdCase ids);
boost::json::object snapshot_json(Disk const& snapshot, DiskEncryptionSet const* set, IdCase ids);
boost::json::object lock_json(Lock const& lock);

/// The id by which a disk names its owner: the machine, or the instance of a scale set.
std::string owner_id(VirtualMachine const& machine);
/// "2026-01-02T03:04:05.0000000+00:00"
std::string time_text(Instant at);
/// "2026-01-02T03:04:05.0000000Z", as Storage and SQL write it.
std::string zulu(Instant at);
boost::json::object tags_json(Tags const& tags);

}  // namespace rekeyd::sim::azure::arm

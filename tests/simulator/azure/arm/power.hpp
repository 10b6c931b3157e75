#pragma once
#include "tests/simulator/azure/arm/estate.hpp"
#include "tests/simulator/azure/arm/settings.hpp"

/// Starting and stopping machines: what begins when it is asked, and what has become of it at its end.
namespace rekeyd::sim::azure::arm {

/// Why the machine could not start now, as far as its key is concerned. The codes come from third parties'
/// notes: unconfirmed.
std::optional<Fault> key_fault(Estate const& estate, VirtualMachine const& machine, KeyDirectory const& keys,
                               Instant at);

/// Why the service would not begin it; nothing: it would.
struct Objection {
  unsigned status{409};
  Fault fault;
};
std::optional<Objection> objection_to(Act act, VirtualMachine const& machine, Estate const& estate);

/// Takes the operation up. Precondition: no objection. A deallocation cuts a start short.
void begin(Operation operation, VirtualMachine& machine, Estate& estate, Settings const& settings);

/// The operation ends at `at`, well or not.
void end_power(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at);

/// At `at`, machines notice whether their key is still there: those that run without one go down.
void check_keys(Estate& estate, KeyDirectory const& keys, Instant at);

/// The machine and its disks are gone.
void remove(VirtualMachine& machine, Estate& estate);

}  // namespace rekeyd::sim::azure::arm

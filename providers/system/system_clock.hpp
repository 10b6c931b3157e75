#pragma once
#include "providers/system/clock.hpp"

#include <memory>

namespace rekeyd::providers {

/// The machine's own clocks. Waits on the executor of the coroutine that asks.
std::unique_ptr<Clock> make_system_clock();

}  // namespace rekeyd::providers

#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "providers/material/material_source.hpp"

namespace rekeyd::daemon {

/// The material sources of the settings. `own_threads`: what takes long is done elsewhere than on the loop;
/// not in a simulation. Nothing is asked of them yet.
providers::MaterialSources make_material_sources(config::Settings const& settings, bool own_threads);

}  // namespace rekeyd::daemon

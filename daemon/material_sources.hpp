#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "providers/material/material_source.hpp"

namespace rekeyd::daemon {

/// The material sources of the settings. `own_threads`: what takes long is done elsewhere than on the loop;
/// not in a simulation, where sources of kind pkcs11 have no place. Nothing is asked of them yet. Error: a
/// secret is referred to that cannot be.
Result<providers::MaterialSources> make_material_sources(config::Settings const& settings,
                                                         providers::Clock& clock, bool own_threads);

}  // namespace rekeyd::daemon

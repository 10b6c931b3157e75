#include "daemon/material_sources.hpp"

#include "providers/material/file_source.hpp"
#include "providers/material/random_source.hpp"

namespace rekeyd::daemon {

namespace {

std::unique_ptr<providers::MaterialSource> make(config::MaterialSourceSettings const& settings,
                                                bool threads) {
  if (auto const* random = std::get_if<config::RandomMaterial>(&settings.kind)) {
    return providers::make_random_source({settings.name, random->bits, threads});
  }
  auto const& file = std::get<config::FileMaterial>(settings.kind);
  return providers::make_file_source({settings.name, file.folder, threads});
}

}  // namespace

providers::MaterialSources make_material_sources(config::Settings const& settings, bool own_threads) {
  providers::MaterialSources sources;
  for (config::MaterialSourceSettings const& source : settings.material_sources) {
    sources.emplace(source.name, make(source, own_threads));
  }
  return sources;
}

}  // namespace rekeyd::daemon

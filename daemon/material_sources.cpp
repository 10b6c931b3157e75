#include "daemon/material_sources.hpp"

#include "daemon/azure_credentials.hpp"
#include "providers/material/file_source.hpp"
#include "providers/material/pkcs11_source.hpp"
#include "providers/material/random_source.hpp"

namespace rekeyd::daemon {

namespace {

using Source = std::unique_ptr<providers::MaterialSource>;

Result<Source> make_pkcs11(MaterialSourceName const& name, config::Pkcs11Material const& hsm,
                           providers::Clock& clock) {
  auto const pin = secret_path(hsm.pin);
  if (!pin) return std::unexpected(pin.error());
  return providers::make_pkcs11_source(clock, {name, {hsm.module, hsm.token}, *pin});
}

Result<Source> make(config::MaterialSourceSettings const& settings, providers::Clock& clock, bool threads) {
  if (auto const* random = std::get_if<config::RandomMaterial>(&settings.kind)) {
    return providers::make_random_source({settings.name, random->bits, threads});
  }
  if (auto const* file = std::get_if<config::FileMaterial>(&settings.kind)) {
    return providers::make_file_source({settings.name, file->folder, threads});
  }
  return make_pkcs11(settings.name, std::get<config::Pkcs11Material>(settings.kind), clock);
}

}  // namespace

Result<providers::MaterialSources> make_material_sources(config::Settings const& settings,
                                                         providers::Clock& clock, bool own_threads) {
  providers::MaterialSources sources;
  for (config::MaterialSourceSettings const& source : settings.material_sources) {
    auto made = make(source, clock, own_threads);
    if (!made) {
      made.error().what = "material source " + source.name.str() + ": " + made.error().what;
      return std::unexpected(std::move(made.error()));
    }
    sources.emplace(source.name, *std::move(made));
  }
  return sources;
}

}  // namespace rekeyd::daemon

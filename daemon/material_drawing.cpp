#include "daemon/material_drawing.hpp"

#include "daemon/journal.hpp"
#include "policy/imported_key.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::KeyMaterialPtr;
using providers::MaterialSource;

namespace {

constexpr auto patience = std::chrono::minutes(1);

MaterialSourceName source_named_for(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  return applied == nullptr ? MaterialSourceName() : applied->material;
}

Error not_renewed(KeyRef const& key, MaterialSource const& source, RotationId const& before) {
  return providers::material_error(
      "material_not_renewed",
      fmt::format("source {} gives the material that rotation {} has drawn for this key before",
                  source.name().str(), before.str()),
      key.text(), "give the source new material, then `rekeyctl retry`");
}

HistoryEvent drawing_event(Rotation const& rotation, MaterialSource const& source,
                           providers::KeyMaterial const& material, Instant at) {
  HistoryEvent event = event_of(rotation, EventKind::material_drawn,
                                fmt::format("new material of {} bits drawn from source {}, to be imported",
                                            material.type.bits, source.name().str()),
                                at);
  event.details["source"] = source.name().str();
  event.details["source_kind"] = source.kind();
  event.details["fingerprint"] = material.fingerprint;
  event.details["algorithm"] = to_text(material.type.algorithm);
  return event;
}

}  // namespace

bool MaterialDrawing::needs_material(TrackedKey const& key) const {
  RootKey const& root = key.stored.key;
  ProviderInstance const* provider = world_.provider(root.ref.provider);
  if (provider == nullptr) return false;
  return is_imported(root, source_named_for(key), provider->kms->capabilities(root.ref).tells_origin);
}

Result<MaterialSource*> MaterialDrawing::source_of(TrackedKey const& key) const {
  MaterialSourceName const name = source_named_for(key);
  std::string const where = key.stored.key.ref.text();
  if (name.empty()) {
    return std::unexpected(providers::material_error(
        "imported_needs_material", "the key's material was imported: a new version needs new material", where,
        "name a source of it in the key's policy (material: NAME), or import a version by hand and "
        "`rekeyctl retry`: rekeyd takes it up"));
  }
  auto const found = world_.material_sources.find(name);
  if (found != world_.material_sources.end()) return found->second.get();
  return std::unexpected(providers::material_error(
      "material_source_missing", fmt::format("rekeyd.yaml names no material source '{}'", name.str()), where,
      "add it there and restart rekeyd, or correct the policy; then `rekeyctl retry`"));
}

Result<std::optional<RotationId>> MaterialDrawing::drawn_before(KeyRef const& key,
                                                                std::string const& fingerprint) const {
  storage::HistoryQuery query;
  query.key = key;
  query.kind = EventKind::material_drawn;
  query.limit = std::numeric_limits<std::int32_t>::max();
  auto const drawn = world_.store.history(query);
  if (!drawn) return std::unexpected(drawn.error());
  for (storage::RecordedEvent const& recorded : *drawn) {
    auto const told = recorded.event.details.find("fingerprint");
    if (told != recorded.event.details.end() && told->second == fingerprint) return recorded.event.rotation;
  }
  return std::nullopt;
}

/// Whether this rotation has told of the material before. An error if another rotation has: two versions of
/// the same material would be one key under two names.
Result<bool> MaterialDrawing::is_told(Rotation const& rotation, MaterialSource const& source,
                                      providers::KeyMaterial const& material) const {
  auto const before = drawn_before(rotation.key, material.fingerprint);
  if (!before) return std::unexpected(before.error());
  if (!*before) return false;
  if (**before == rotation.id) return true;
  return std::unexpected(not_renewed(rotation.key, source, **before));
}

asio::awaitable<Result<void>> MaterialDrawing::look(Rotation rotation, TrackedKey const& key) {
  if (!needs_material(key)) co_return Result<void>();
  auto const source = source_of(key);
  if (!source) co_return std::unexpected(source.error());
  providers::MaterialWanted wanted{rotation.key, key.stored.key.type};
  auto const deadline = world_.clock.mono_now() + patience;
  Result<KeyMaterialPtr> const seen = co_await (*source)->look(std::move(wanted), deadline);
  if (!seen) co_return std::unexpected(seen.error());
  if (!*seen) co_return Result<void>();
  auto const told = is_told(rotation, **source, **seen);
  if (!told) co_return std::unexpected(told.error());
  co_return Result<void>();
}

asio::awaitable<Result<DrawnMaterial>> MaterialDrawing::draw(Rotation rotation, TrackedKey const& key) {
  if (!needs_material(key)) co_return DrawnMaterial();
  auto const source = source_of(key);
  if (!source) co_return std::unexpected(source.error());
  providers::MaterialWanted wanted{rotation.key, key.stored.key.type};
  auto const deadline = world_.clock.mono_now() + patience;
  Result<KeyMaterialPtr> const material = co_await (*source)->draw(std::move(wanted), deadline);
  if (!material) co_return std::unexpected(material.error());
  bool told = false;
  if ((*source)->may_repeat()) {
    auto const before = is_told(rotation, **source, **material);
    if (!before) co_return std::unexpected(before.error());
    told = *before;
  }
  DrawnMaterial drawn;
  drawn.material = *material;
  if (!told) drawn.event = drawing_event(rotation, **source, **material, world_.clock.wall_now());
  co_return drawn;
}

}  // namespace rekeyd::daemon

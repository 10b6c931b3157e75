#pragma once
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"
#include "policy/history_event.hpp"
#include "policy/rotation.hpp"
#include "providers/material/material_source.hpp"

#include <optional>

namespace rekeyd::daemon {

/// Material for one rotate request, and the event that has to be durable with the intent to send it.
struct DrawnMaterial {
  providers::KeyMaterialPtr material;  ///< Null: the provider makes its own.
  std::optional<HistoryEvent> event;   ///< Absent where this rotation has told of the same material before.
};

/// Where an imported key's next version gets its material: the source that its policy names. No material is
/// ever stored; its fingerprint is in the history before it is sent, and so the same material is found out
/// when it comes a second time.
class MaterialDrawing {
 public:
  explicit MaterialDrawing(World& world) : world_(world) {}

  /// Does the key's next version need material from outside?
  bool needs_material(TrackedKey const& key) const;
  /// Could its source serve now? Without error for keys that need none.
  boost::asio::awaitable<Result<void>> look(Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<Result<DrawnMaterial>> draw(Rotation rotation, TrackedKey const& key);

 private:
  Result<providers::MaterialSource*> source_of(TrackedKey const& key) const;
  /// Which rotation has drawn this material for the key before?
  Result<std::optional<RotationId>> drawn_before(KeyRef const& key, std::string const& fingerprint) const;
  Result<bool> is_told(Rotation const& rotation, providers::MaterialSource const& source,
                       providers::KeyMaterial const& material) const;

  World& world_;
};

}  // namespace rekeyd::daemon

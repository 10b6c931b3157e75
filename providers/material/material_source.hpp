#pragma once
#include "policy/key.hpp"
#include "providers/material/key_material.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>

namespace rekeyd::providers {

/// What a key's next version needs.
struct MaterialWanted {
  KeyRef key;
  KeyType type;  ///< As the provider tells it; no bits where it does not (IBM, for imported keys).
};

/// Where new material for imported keys comes from. Answers that cannot do are permanent errors whose `code`
/// is the reason (material_missing, material_unfit, pin_refused ...); what may pass by itself is transient.
class MaterialSource {
 public:
  virtual ~MaterialSource() = default;
  virtual MaterialSourceName const& name() const = 0;
  /// "random", "file" or "pkcs11".
  virtual char const* kind() const = 0;
  /// Whether two draws for one key may give the same material unless a person renews it in between.
  virtual bool may_repeat() const = 0;
  /// Could it serve now? Looks, and changes nothing. What draw() would give again anyway is in the answer,
  /// else null.
  virtual boost::asio::awaitable<Result<KeyMaterialPtr>> look(MaterialWanted wanted,
                                                              Clock::Mono deadline) = 0;
  /// Fresh material that fits. Drawing twice costs material at most: nothing outside learns of it.
  virtual boost::asio::awaitable<Result<KeyMaterialPtr>> draw(MaterialWanted wanted,
                                                              Clock::Mono deadline) = 0;
};

using MaterialSources = std::map<MaterialSourceName, std::unique_ptr<MaterialSource>>;

/// Does material of type `offered` fit what is wanted? material_unfit if it does not: a version of another
/// type or size than the one before it is another key to those who use it.
Result<void> check_fit(MaterialWanted const& wanted, KeyType const& offered, std::string const& where);

}  // namespace rekeyd::providers

#include "providers/material/material_source.hpp"

#include <fmt/format.h>

namespace rekeyd::providers {

Result<void> check_fit(MaterialWanted const& wanted, KeyType const& offered, std::string const& where) {
  bool const size_fits = wanted.type.bits == 0 || wanted.type.bits == offered.bits;
  if (wanted.type.algorithm == offered.algorithm && size_fits) return {};
  return std::unexpected(
      material_error("material_unfit",
                     fmt::format("{} needs {} material{}, and this is {} of {} bits", wanted.key.text(),
                                 to_text(wanted.type.algorithm),
                                 wanted.type.bits == 0 ? "" : fmt::format(" of {} bits", wanted.type.bits),
                                 to_text(offered.algorithm), offered.bits),
                     where, "replace it by material that fits the key"));
}

}  // namespace rekeyd::providers

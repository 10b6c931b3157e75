#include "policy/imported_key.hpp"

namespace rekeyd {

bool is_imported(RootKey const& key, MaterialSourceName const& source, bool provider_tells_origin) {
  if (key.origin == Origin::imported) return true;
  if (provider_tells_origin || source.empty()) return false;
  auto const said = key.tags.find(origin_tag);
  return said == key.tags.end() || said->second != "generated";
}

}  // namespace rekeyd

#pragma once
#include "policy/key.hpp"

namespace rekeyd {

/// A tag by which an operator says where a key's material came from: "imported" or "generated". rekeyd writes
/// it into versions that it imports where the provider does not tell.
inline constexpr char origin_tag[] = "rekeyd-origin";

/// Does the next version of `key` need material from outside? The provider says so where it can (IBM does).
/// Where it cannot (Azure), the key's tag does, and a policy that names a source for it does unless the tag
/// says "generated".
bool is_imported(RootKey const& key, MaterialSourceName const& source, bool provider_tells_origin);

}  // namespace rekeyd

#include "providers/azure/resource_kind.hpp"

namespace rekeyd::providers::azure {

ResourceKind const* resource_kind_of(ArmId const& id) {
  for (ResourceKind const* const kind :
       {&disk_encryption_sets, &storage_accounts, &sql_servers, &sql_server_keys}) {
    if (id.is(kind->type)) return kind;
  }
  return nullptr;
}

}  // namespace rekeyd::providers::azure

#include "storage/schema.hpp"

namespace rekeyd::storage {

// A key that an older rekeyd has stored gets them with its next full reading, within a day.
char const* const provider_rotation_columns = R"sql(
ALTER TABLE root_keys ADD COLUMN provider_rotation_months INTEGER;
ALTER TABLE root_keys ADD COLUMN provider_rotation_days INTEGER;
ALTER TABLE root_keys ADD COLUMN provider_rotation_since INTEGER;
)sql";

}  // namespace rekeyd::storage

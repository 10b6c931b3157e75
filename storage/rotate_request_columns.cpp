#include "storage/schema.hpp"

namespace rekeyd::storage {

// Before this migration `last_sent` was told by the machine's clock, and no request can be older than its
// rotation.
char const* const rotate_request_columns = R"sql(
ALTER TABLE rotations ADD COLUMN first_sent INTEGER;
UPDATE rotations SET first_sent = opened WHERE last_sent IS NOT NULL;
)sql";

}  // namespace rekeyd::storage

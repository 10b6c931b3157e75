#include "policy/upkeep_rules.hpp"

#include "policy/words.hpp"

namespace rekeyd {

namespace {
constexpr auto ways = words<RetireBy>({{RetireBy::expiry, "expiry"}, {RetireBy::disabling, "disabling"}});
constexpr auto disk_encryption =
    words<DiskEncryptionKeys>({{DiskEncryptionKeys::leave, "leave"}, {DiskEncryptionKeys::rotate, "rotate"}});
}  // namespace

char const* to_text(RetireBy by) { return ways.word(by); }
char const* to_text(DiskEncryptionKeys keys) { return disk_encryption.word(keys); }
std::optional<RetireBy> parse_retire_by(std::string_view text) { return ways.value(text); }

}  // namespace rekeyd

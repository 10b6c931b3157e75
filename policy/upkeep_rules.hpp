#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace rekeyd {

/// How long a key version may be used from its creation on, in calendar months: 2 to 60.
class ExpiryMonths {
 public:
  static constexpr std::optional<ExpiryMonths> of(long long count) {
    if (count < 2 || count > 60) return std::nullopt;
    return ExpiryMonths(static_cast<int>(count));
  }
  constexpr int count() const { return count_; }
  auto operator<=>(ExpiryMonths const&) const = default;

 private:
  constexpr explicit ExpiryMonths(int count) : count_(count) {}
  int count_;
};

/// How an old key version is taken out of use.
enum class RetireBy {
  expiry,     ///< It may wrap nothing more; what it has wrapped can still be unwrapped.
  disabling,  ///< It may not even unwrap: whatever is still under it is lost until somebody enables it again.
};

/// When old versions are taken out of use, after nothing that we know of uses them.
struct RetireRules {
  std::chrono::days after{};  ///< Since the version after it was made; 1 or more.
  RetireBy by{RetireBy::expiry};
  bool operator==(RetireRules const&) const = default;
};

/// What a policy wants kept at the provider beside the rotation itself.
struct UpkeepRules {
  std::optional<ExpiryMonths> versions_expire_after;  ///< Longer than the interval of every key.
  std::optional<RetireRules> retire;
  bool tag_rotations{false};  ///< The key tells in tags when it was last rotated, and by which rotation.
  bool operator==(UpkeepRules const&) const = default;
};

/// What a policy says of keys that Azure Disk Encryption uses: it stays on the version that it was set up
/// with.
enum class DiskEncryptionKeys {
  leave,   ///< Not rotated.
  rotate,  ///< Rotated; the old versions stay as they are, since machines go on needing them.
};

char const* to_text(RetireBy by);
char const* to_text(DiskEncryptionKeys keys);
std::optional<RetireBy> parse_retire_by(std::string_view text);

}  // namespace rekeyd

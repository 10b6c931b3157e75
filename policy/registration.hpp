#pragma once
#include "policy/instant.hpp"
#include "policy/names.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd {

/// How a resource comes to use a new version of its root key.
enum class Following {
  unknown,            ///< Its provider does not tell.
  by_itself,          ///< It takes up the key's current version, with a lag of its own.
  when_told,          ///< It stays on its version until another is named to it; it is in use meanwhile.
  when_told_at_rest,  ///< Likewise, and the machines that run on it have to stand still for the change.
  never,              ///< It stays on its version whatever happens; only its owner can set it up anew.
  past,               ///< It uses the key no more, and keeps what only this version can read: backups.
};

/// What keeps a resource from following its key, or from being moved: a word for machines (the table in
/// docs/resources.md), a sentence, and what a person can do.
struct ResourceCondition {
  std::string word;
  std::string sentence;
  std::string remedy;
  bool operator==(ResourceCondition const&) const = default;
};

/// The tie of a resource to a root key and to the key version that it uses now.
struct Registration {
  KeyRef key;
  ResourceId resource;
  std::string kind;                  ///< "volume", "bucket", "disk-encryption-set", ...
  std::optional<VersionId> version;  ///< Absent when the provider does not say which.
  bool prevents_deletion{false};
  std::optional<Instant> updated;
  Following following{Following::unknown};
  std::optional<ResourceCondition> condition{};  ///< Absent: nothing is wrong with it.
  std::vector<ResourceId> tied{};                ///< What lives on it: machines, disks, snapshots; sorted.
  std::map<std::string, std::string> details{};  ///< For people; names are snake_case.
  bool operator==(Registration const&) const = default;
};

char const* to_text(Following following);
std::optional<Following> parse_following(std::string_view text);

}  // namespace rekeyd

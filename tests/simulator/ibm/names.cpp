#include "tests/simulator/ibm/names.hpp"

#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/shapes.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

bool is_hex_digit(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
         (letter >= 'A' && letter <= 'F');
}

bool holds_only(Instance const& instance, std::string const& ring, KeyState state) {
  return std::ranges::all_of(instance.keys_as_they_are(), [&](auto const& entry) {
    return entry.second.ring != ring || entry.second.state == state;
  });
}

bool holds_any(Instance const& instance, std::string const& ring) {
  return std::ranges::any_of(instance.keys_as_they_are(),
                             [&](auto const& entry) { return entry.second.ring == ring; });
}

}  // namespace

bool is_uuid(std::string_view text) {
  constexpr std::size_t length = 36;
  if (text.size() != length) return false;
  for (std::size_t i = 0; i < length; ++i) {
    bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

bool is_root_key_size(std::size_t bytes) { return bytes == 16 || bytes == 24 || bytes == 32; }

std::optional<Refusal> alias_objection(Instance const& instance, std::string const& alias) {
  if (alias.size() < 2 || alias.size() > 90) {
    return refuse_field("alias", "The field 'alias' must be: 2 to 90 characters long").error();
  }
  if (is_uuid(alias)) return refuse_field("alias", "The field 'alias' must be: no UUID").error();
  if (instance.aliases.contains(alias)) return refuse(409, "", "The alias is already in use").error();
  return std::nullopt;
}

Outcome create_alias(Instance& instance, Key& key, Call const& call) {
  auto const& alias = call.captures.at(1);
  if (key.state == KeyState::destroyed) return refuse_deleted_key();
  if (auto const bad = alias_objection(instance, alias)) return std::unexpected(*bad);
  if (key.aliases.size() >= aliases_per_key) return refuse(409, "", "The key has five aliases already");
  Stamp const stamp{call.caller.iam_id, call.now};
  key.aliases.push_back(alias);
  instance.aliases.emplace(alias, Alias{key.id, stamp});
  return single(201, alias_type,
                {{"keyId", key.id},
                 {"alias", alias},
                 {"createdBy", stamp.by},
                 {"creationDate", instance.date(stamp.at)}});
}

Outcome delete_alias(Instance& instance, Key& key, Call const& call) {
  auto const& alias = call.captures.at(1);
  if (std::erase(key.aliases, alias) == 0) return refuse(404, "", "The key has no such alias");
  instance.aliases.erase(alias);
  return no_content();
}

Outcome list_key_rings(Instance& instance, Call const& call) {
  auto const cut_at = page(call, 100, 5000);
  if (!cut_at) return std::unexpected(cut_at.error());
  auto const with_total = flag_param(call, "totalCount");
  if (!with_total) return std::unexpected(with_total.error());
  std::vector<json::object> rings;
  rings.reserve(instance.key_rings.size());
  for (auto const& [id, created] : instance.key_rings) {
    rings.push_back({{"id", id}, {"creationDate", instance.date(created.at)}, {"createdBy", created.by}});
  }
  json::array resources;
  for (auto& ring : cut(rings, *cut_at)) resources.emplace_back(std::move(ring));
  return collection(instance, key_ring_type, std::move(resources),
                    *with_total ? std::optional(rings.size()) : std::nullopt);
}

Outcome create_key_ring(Instance& instance, Call const& call) {
  auto const& id = call.captures.at(0);
  if (id.empty()) return refuse_field("key_ring_id", "The field 'key_ring_id' must be: not empty");
  if (instance.key_rings.contains(id)) return refuse(409, "", "The key ring already exists");
  if (instance.key_rings.size() > key_rings_per_instance) {
    return refuse(409, "", "The instance has its fifty key rings already");
  }
  instance.key_rings.emplace(id, Stamp{call.caller.iam_id, call.now});
  return Answer{201, {}, {}};
}

Outcome delete_key_ring(Instance& instance, Call const& call) {
  auto const& id = call.captures.at(0);
  auto const force = flag_param(call, "force");
  if (!force) return std::unexpected(force.error());
  if (!instance.key_rings.contains(id)) return refuse(404, "", "The key ring does not exist");
  if (id == "default") return refuse(409, "", "The default key ring cannot be deleted");
  auto& keys = instance.keys(call.now);
  bool const may_move = *force && holds_only(instance, id, KeyState::destroyed);
  if (holds_any(instance, id) && !may_move) {
    return refuse(409, "KEY_RING_NOT_EMPTY_ERR", "The key ring is not empty: Please move or purge its keys");
  }
  for (auto& [key_id, key] : keys) {
    if (key.ring == id) key.ring = "default";
  }
  instance.key_rings.erase(id);
  return no_content();
}

}  // namespace rekeyd::sim::ibm

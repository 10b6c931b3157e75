#include "daemon/observed_attributes.hpp"

#include "policy/upkeep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>
#include <vector>

namespace rekeyd::daemon {

HistoryEvent event_about(RootKey const& key, EventKind kind, std::string sentence, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind;
  event.key = key.ref;
  event.actor = "provider";
  event.sentence = std::move(sentence);
  return event;
}

namespace {

/// Those that we set ourselves aside: the history tells of them when they are set.
std::string tags_words(std::map<std::string, std::string> const& tags) {
  std::vector<std::string> words;
  for (auto const& [name, value] : tags) {
    if (!tells_of_rotation(name)) words.push_back(name + "=" + value);
  }
  return fmt::format("{}", fmt::join(words, ","));
}

/// A key's facts that people care about, as words: comparing the words finds the change and tells it.
std::map<std::string, std::string> telling_facts(RootKey const& key) {
  std::map<std::string, std::string> facts;
  facts["state"] = to_text(key.state);
  facts["name"] = key.name;
  facts["tags"] = tags_words(key.tags);
  facts["expires"] = key.expires ? to_rfc3339(*key.expires) : "";
  facts["provider_rotation"] =
      key.provider_rotation && key.provider_rotation->enabled ? key.provider_rotation->interval : "";
  facts["exportable"] = key.exportable ? "yes" : "no";
  return facts;
}

/// A change of state that a date of the key's own brought about. Any other is a person's: rekeyd neither
/// disables nor restores keys.
bool by_calendar(RootKey const& before, RootKey const& after, Instant now) {
  if (before.state == KeyState::pre_activation) return after.state == KeyState::active;
  return after.state == KeyState::deactivated && after.expires && *after.expires <= now;
}

}  // namespace

void tell_key_changes(RootKey const& before, RootKey const& after, Instant now, storage::Change& change) {
  auto const old_facts = telling_facts(before);
  auto const new_facts = telling_facts(after);
  if (old_facts == new_facts) return;
  HistoryEvent event =
      event_about(after, EventKind::key_changed, "the key's attributes changed at its provider", now);
  for (auto const& [name, value] : new_facts) {
    std::string const& old_value = old_facts.at(name);
    if (old_value != value) event.details[name] = fmt::format("{} -> {}", old_value, value);
  }
  if (before.state != after.state && !by_calendar(before, after, now)) {
    event.kind = EventKind::drift;
    event.sentence =
        fmt::format("someone made the key {}; it was {}", to_text(after.state), to_text(before.state));
  }
  change.events.push_back(std::move(event));
}

}  // namespace rekeyd::daemon

#include "tests/crash_points/end_state.hpp"

#include "tests/simulator/envelope.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <stdexcept>

namespace rekeyd::crash_points {

namespace {

template <class T>
T read(Result<T> result) {
  if (!result) throw std::runtime_error(to_text(result.error()));
  return *std::move(result);
}

std::string rank(TrueKeys const& keys, std::string const& version) {
  for (auto const& [name, truth] : keys) {
    auto const found = std::ranges::find(truth->versions, version, &simulation::TrueVersion::id);
    if (found == truth->versions.end()) continue;
    std::string const whose = name == keys.front().first ? "" : name;
    return fmt::format("{}#{}", whose, std::distance(truth->versions.begin(), found));
  }
  return "?";
}

std::string rank(TrueKeys const& keys, std::optional<VersionId> const& version) {
  return version ? rank(keys, version->str()) : "none";
}

/// What happens once in the life of a rotation, however often it is interrupted. How a resource looks on its
/// way (registration_changed) is told as often as somebody looks just then.
bool told_once(EventKind kind) {
  switch (kind) {
    case EventKind::key_found:
    case EventKind::key_changed:
    case EventKind::key_gone:
    case EventKind::version_found:
    case EventKind::drift:
    case EventKind::registration_found:
    case EventKind::registration_moved:
    case EventKind::registration_gone:
    case EventKind::rotation_opened:
    case EventKind::step_done:
    case EventKind::rotation_done:
    case EventKind::rotation_blocked:
    case EventKind::rotation_abandoned:
    case EventKind::key_replaced:
    case EventKind::dek_refused:
    case EventKind::hold_placed:
    case EventKind::database_restored:
      return true;
    default:
      return false;
  }
}

void add_key(storage::StoredKey const& stored, TrueKeys const& truth, std::multiset<std::string>& lines) {
  lines.insert(fmt::format("key {} is {}, on {}{}{}{}", stored.key.ref.text(), to_text(stored.key.state),
                           rank(truth, stored.key.current), stored.gone ? ", gone" : "",
                           stored.admitted ? "" : ", not admitted",
                           stored.replaced ? ", replaced by " + stored.replaced->by.text() : ""));
}

void add_facts(storage::Store& store, KeyRef const& ref, TrueKeys const& truth,
               std::multiset<std::string>& lines) {
  for (storage::StoredVersion const& stored : read(store.versions(ref))) {
    lines.insert(fmt::format("version {} made by {}{}", rank(truth, stored.version.id.str()),
                             to_text(stored.made_by), stored.rotation ? ", of a rotation" : ""));
  }
  for (Registration const& registration : read(store.registrations(ref))) {
    lines.insert(
        fmt::format("registration {} on {}", registration.resource.str(), rank(truth, registration.version)));
  }
  for (Rotation const& rotation : read(store.rotations(ref, 1000))) {
    lines.insert(fmt::format("rotation by {} is {} at {}: {} -> {}, made by {}", to_text(rotation.trigger),
                             to_text(rotation.state), to_text(rotation.step),
                             rank(truth, rotation.base_version), rank(truth, rotation.new_version),
                             to_text(rotation.new_version_made_by)));
  }
}

void add_events(storage::Store& store, TrueKeys const& truth, std::multiset<std::string>& lines) {
  storage::HistoryQuery query;
  query.limit = 100'000;
  for (storage::RecordedEvent const& recorded : read(store.history(query))) {
    HistoryEvent const& event = recorded.event;
    if (!told_once(event.kind)) continue;
    auto const made_by = event.details.find("made_by");
    lines.insert(fmt::format("event {} {} {} {}", to_text(event.kind), event.step, rank(truth, event.version),
                             made_by == event.details.end() ? "" : made_by->second));
  }
}

std::string joined(std::multiset<std::string> const& lines) {
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace

std::string text_of_cloud(TrueKeys const& keys) {
  std::string text;
  for (auto const& [name, key] : keys) {
    text += fmt::format("the cloud has {} versions of {}, the current one is {}{}\n", key->versions.size(),
                        name, rank(keys, key->current), key->usable ? "" : ", and cannot be used");
  }
  return text;
}

std::string text_of_resources(sim::ResourceTruth const& resources, TrueKeys const& keys) {
  std::multiset<std::string> lines;
  auto const of = [&](std::string const& url) { return rank(keys, url.substr(url.rfind('/') + 1)); };
  for (sim::VmTruth const& machine : resources.virtual_machines) {
    lines.insert(fmt::format("machine {} is {}, on {}{}", machine.id, machine.power, of(machine.key_version),
                             machine.can_start ? "" : ", and could not start"));
  }
  for (sim::DesTruth const& set : resources.disk_encryption_sets) {
    lines.insert(fmt::format("set {} is on {}, {}, with {} older keys", set.id, of(set.active_key),
                             set.provisioning_state, set.previous_keys.size()));
  }
  for (sim::ConsumerTruth const& consumer : resources.consumers) {
    std::multiset<std::string> kept;
    for (std::string const& url : consumer.kept) kept.insert(of(url));
    lines.insert(
        fmt::format("{} is on {}, and keeps [{}]", consumer.id, of(consumer.key), fmt::join(kept, ", ")));
  }
  return lines.empty() ? "" : joined(lines);
}

std::string text_of_record(storage::Store& store, TrueKeys const& truth,
                           std::map<std::string, std::string> const& originals) {
  std::multiset<std::string> lines;
  for (storage::StoredKey const& stored : read(store.keys())) add_key(stored, truth, lines);
  for (auto const& [name, key] : truth) add_facts(store, KeyRef::parse(name).value(), truth, lines);
  KeyRef const ref = KeyRef::parse(truth.front().first).value();
  std::set<std::string> previous;
  for (storage::PreviousDek const& dek : read(store.previous_deks(ref))) {
    bool const as_it_was = std::ranges::any_of(originals, [&](auto const& original) {
      return original.first.ends_with(dek.before.id.str()) && original.second.contains(dek.before.ciphertext);
    });
    previous.insert(fmt::format("previous WDEK {} of {}, moved to {}{}", dek.before.id.str(),
                                rank(truth, dek.before.version.str()), rank(truth, dek.after_version.str()),
                                as_it_was ? "" : ": NOT as it was"));
  }
  lines.insert(previous.begin(), previous.end());
  for (Hold const& hold : read(store.holds())) lines.insert("hold " + hold.name());
  add_events(store, truth, lines);
  return joined(lines);
}

std::string text_of_disk(simulation::SimulatedDisk const& disk, config::Settings const& settings,
                         std::map<std::string, std::string> const& originals, TrueKeys const& truth) {
  std::multiset<std::string> lines;
  std::set<std::filesystem::path> folders{settings.database.parent_path(), settings.dek_stores.front().path};
  for (auto const& [file, text] : originals) folders.insert(std::filesystem::path(file).parent_path());
  for (auto const& folder : folders) {
    for (std::string const& name : disk.names_in(folder)) lines.insert("file " + (folder / name).string());
  }
  for (auto const& [file, text] : originals) {
    auto const now = boost::json::parse(disk.text_of(file).value_or("{}"));
    auto const envelope = sim::envelope_from_json(now.as_object());
    lines.insert(
        fmt::format("WDEK {} is on {}", file, envelope ? rank(truth, envelope->key_version) : "nothing"));
  }
  return joined(lines);
}

}  // namespace rekeyd::crash_points

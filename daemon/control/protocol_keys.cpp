// Keys and rotations as JSON and back.
#include "daemon/control/protocol_keys.hpp"

#include "daemon/control/protocol.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

Verdict read_verdict(Members const& members) {
  return {.status = members.word("status", parse_key_status),
          .waits_for = members.word("waits_for", parse_waits_for),
          .reason = members.text("reason"),
          .sentence = members.text("sentence"),
          .since = members.instant_if("since"),
          .due = members.instant_if("due"),
          .next_try = members.instant_if("next_try")};
}

KeyType read_type(Members const& members) {
  return {.algorithm = members.word("algorithm", parse_key_algorithm),
          .bits = static_cast<unsigned>(members.count("bits")),
          .protection = members.word("protection", parse_protection)};
}

json::object write_type(KeyType const& type) {
  return {
      {"algorithm", to_text(type.algorithm)}, {"bits", type.bits}, {"protection", to_text(type.protection)}};
}

json::array write_ids(std::vector<VersionId> const& ids) {
  return json_list(ids, [](VersionId const& id) { return json::value(id.str()); });
}

std::vector<VersionId> read_ids(std::vector<std::string> const& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

json::object write_rotation(Rotation const& r) {
  auto const first_sent = r.sent ? std::optional(r.sent->first) : std::nullopt;
  auto const last_sent = r.sent ? std::optional(r.sent->last) : std::nullopt;
  return {{"id", r.id.str()},
          {"key", r.key.text()},
          {"policy", json_said(r.policy.str())},
          {"trigger", to_text(r.trigger)},
          {"requested_by", json_said(r.requested_by)},
          {"reason", json_said(r.reason)},
          {"due", json_time(r.due)},
          {"base_version", json_name(r.base_version)},
          {"known_versions", write_ids(r.known_versions)},
          {"successor", json_said(r.successor ? r.successor->text() : std::string())},
          {"new_version", json_name(r.new_version)},
          {"new_version_made_by", to_text(r.new_version_made_by)},
          {"step", to_text(r.step)},
          {"state", to_text(r.state)},
          {"attempts", r.attempts},
          {"first_sent", json_time(first_sent)},
          {"last_sent", json_time(last_sent)},
          {"next_try", json_time(r.next_try)},
          {"blocked_reason", json_said(r.blocked_reason)},
          {"message", json_said(r.message)},
          {"remedy", json_said(r.remedy)},
          {"opened", json_time(r.opened)},
          {"updated", json_time(r.updated)},
          {"ended", json_time(r.ended)}};
}

Rotation read_rotation(Members const& members) {
  Rotation r;
  r.id = RotationId(members.text("id"));
  r.key = members.key("key");
  r.policy = PolicyName(members.text_or_empty("policy"));
  r.trigger = members.word("trigger", parse_trigger);
  r.requested_by = members.text_or_empty("requested_by");
  r.reason = members.text_or_empty("reason");
  r.due = members.instant_if("due");
  r.base_version = members.name_if<VersionId>("base_version");
  r.known_versions = read_ids(members.texts("known_versions"));
  if (members.text_if("successor")) r.successor = members.key("successor");
  r.new_version = members.name_if<VersionId>("new_version");
  r.new_version_made_by = members.word("new_version_made_by", parse_made_by);
  r.step = members.word("step", parse_step);
  r.state = members.word("state", parse_rotation_state);
  r.attempts = static_cast<int>(members.integer("attempts"));
  auto const first_sent = members.instant_if("first_sent");
  auto const last_sent = members.instant_if("last_sent");
  if (first_sent && last_sent) r.sent = RequestsSent{*first_sent, *last_sent};
  r.next_try = members.instant_if("next_try");
  r.blocked_reason = members.text_or_empty("blocked_reason");
  r.message = members.text_or_empty("message");
  r.remedy = members.text_or_empty("remedy");
  r.opened = members.instant("opened");
  r.updated = members.instant("updated");
  r.ended = members.instant_if("ended");
  return r;
}

json::object write_key(KeyReport const& k) {
  json::object object{{"key", k.key.text()},
                      {"name", json_said(k.name)},
                      {"provider_kind", json_said(k.provider_kind)},
                      {"status", to_text(k.verdict.status)},
                      {"waits_for", to_text(k.verdict.waits_for)},
                      {"reason", k.verdict.reason},
                      {"sentence", k.verdict.sentence},
                      {"since", json_time(k.verdict.since)},
                      {"due", json_time(k.verdict.due)},
                      {"next_try", json_time(k.verdict.next_try)},
                      {"policy", json_said(k.policy)},
                      {"every_months", nullptr},
                      {"state", to_text(k.state)},
                      {"type", write_type(k.type)},
                      {"origin", to_text(k.origin)},
                      {"tags", json_map(k.tags)},
                      {"current_version", json_name(k.current_version)},
                      {"current_created", json_time(k.current_created)},
                      {"versions", k.versions},
                      {"versions_max", nullptr},
                      {"provider_rotation", json_said(k.provider_rotation)},
                      {"rotation", nullptr}};
  if (k.every_months) object["every_months"] = *k.every_months;
  if (k.versions_max) object["versions_max"] = *k.versions_max;
  if (k.rotation) object["rotation"] = write_rotation(*k.rotation);
  return object;
}

KeyReport read_key(Members const& members) {
  KeyReport k;
  k.key = members.key("key");
  k.name = members.text_or_empty("name");
  k.provider_kind = members.text_or_empty("provider_kind");
  k.verdict = read_verdict(members);
  k.policy = members.text_or_empty("policy");
  if (auto const months = members.integer_if("every_months")) k.every_months = static_cast<int>(*months);
  k.state = members.word("state", parse_key_state);
  k.type = read_type(members.object("type"));
  k.origin = members.word("origin", parse_origin);
  k.tags = members.text_map("tags");
  k.current_version = members.name_if<VersionId>("current_version");
  k.current_created = members.instant_if("current_created");
  k.versions = members.count("versions");
  if (auto const limit = members.integer_if("versions_max")) k.versions_max = static_cast<unsigned>(*limit);
  k.provider_rotation = members.text_or_empty("provider_rotation");
  if (auto const rotation = members.object_if("rotation")) k.rotation = read_rotation(*rotation);
  return k;
}

std::string encode_keys(std::vector<KeyReport> const& keys) {
  return to_json(json::object{{"schema", "rekeyd.keys/1"}}, "keys", keys, write_key);
}

Result<std::vector<KeyReport>> decode_keys(std::string_view text) {
  return read_document<std::vector<KeyReport>>(
      text, "rekeyd.keys/1", [](Members const& document) { return document.list("keys", read_key); });
}

std::string encode_rotation(Rotation const& rotation) {
  json::object document{{"schema", "rekeyd.rotation/1"}};
  for (auto& [name, value] : write_rotation(rotation)) document.emplace(name, std::move(value));
  return to_json(document);
}

Result<Rotation> decode_rotation(std::string_view text) {
  return read_document<Rotation>(text, "rekeyd.rotation/1", read_rotation);
}

}  // namespace rekeyd::daemon

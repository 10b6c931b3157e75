// Resources that use keys, as JSON and back.
#include "daemon/control/json_members.hpp"
#include "daemon/control/protocol.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

constexpr char const* schema = "rekeyd.resources/1";

json::value write_condition(std::optional<ResourceCondition> const& condition) {
  if (!condition) return nullptr;
  return json::object{
      {"word", condition->word}, {"sentence", condition->sentence}, {"remedy", condition->remedy}};
}

json::object write_resource(ResourceReport const& report) {
  Registration const& r = report.resource;
  return {{"resource", r.resource.str()},
          {"kind", r.kind},
          {"key", r.key.text()},
          {"version", json_name(r.version)},
          {"current_version", json_name(report.current_version)},
          {"behind", report.behind()},
          {"following", to_text(r.following)},
          {"condition", write_condition(r.condition)},
          {"prevents_deletion", r.prevents_deletion},
          {"updated", json_time(r.updated)},
          {"tied", json_list(r.tied, [](ResourceId const& id) { return json::value(id.str()); })},
          {"details", json_map(r.details)}};
}

ResourceReport read_resource(Members const& members) {
  ResourceReport report;
  Registration& r = report.resource;
  r.resource = ResourceId(members.text("resource"));
  r.kind = members.text("kind");
  r.key = members.key("key");
  r.version = members.name_if<VersionId>("version");
  report.current_version = members.name_if<VersionId>("current_version");
  r.following = members.word("following", parse_following);
  if (auto const condition = members.object_if("condition")) {
    r.condition = {condition->text("word"), condition->text("sentence"), condition->text("remedy")};
  }
  r.prevents_deletion = members.flag("prevents_deletion");
  r.updated = members.instant_if("updated");
  for (std::string& id : members.texts("tied")) r.tied.emplace_back(std::move(id));
  r.details = members.text_map("details");
  return report;
}

}  // namespace

std::string encode_resources(std::vector<ResourceReport> const& resources) {
  return to_json(json::object{{"schema", schema}}, "resources", resources, write_resource);
}

Result<std::vector<ResourceReport>> decode_resources(std::string_view text) {
  return read_document<std::vector<ResourceReport>>(
      text, schema, [](Members const& document) { return document.list("resources", read_resource); });
}

}  // namespace rekeyd::daemon

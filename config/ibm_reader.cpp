#include "config/ibm_reader.hpp"

#include "config/ibm_credentials_reader.hpp"
#include "config/name_syntax.hpp"
#include "config/settings_fields.hpp"
#include "config/unique_names.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

std::optional<std::string> instance_id_of(Given const& given, Findings& findings) {
  auto id = text_of(given, findings);
  if (!id || is_uuid(*id)) return id;
  findings.error(given.at(), "uuid", fmt::format("{}: expected the service instance's UUID", given.label),
                 "it is the part between the last '::' and the ':' before it in the instance's CRN");
  return std::nullopt;
}

/// Dedicated and HPCS hosts begin with the instance's id: it must be this instance.
void check_host(IbmInstance const& instance, EndpointUrl const& url, Given const& given, Findings& findings) {
  std::string const first_label = url.host.substr(0, url.host.find('.'));
  if (!is_uuid(first_label) || first_label == lower_case(instance.id)) return;
  findings.error(given.at(), "instance-mismatch",
                 fmt::format("'url' names the instance {}, but 'id' is {}", first_label, instance.id),
                 "correct the one that is wrong");
}

std::optional<IbmInstance> instance_of(Given const& given, ProviderKind kind, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  auto const name = name_of(fields.required("name", "name: kp-main"), findings);
  auto const id = instance_id_of(fields.required("id", "id: UUID"), findings);
  Given const url_given = fields.required("url", "url: https://us-south.kms.cloud.ibm.com");
  auto const url = service_url_of(url_given, kind, findings);
  auto const ring = text_of(fields.optional("key_ring"), findings);
  fields.finish();
  if (!name || !id || !url) return std::nullopt;
  IbmInstance instance{VaultName(*name), lower_case(*id), url->text, ring.value_or("")};
  check_host(instance, *url, url_given, findings);
  return instance;
}

std::vector<IbmInstance> instances_of(Given const& given, ProviderKind kind, Findings& findings) {
  std::vector<IbmInstance> instances;
  UniqueNames names("an instance", findings);
  for (Given const& item : list_of(given, findings)) {
    auto instance = instance_of(item, kind, findings);
    if (!instance) continue;
    names.add(instance->name.str(), item.at());
    instances.push_back(std::move(*instance));
  }
  if (given && given.value->kind == Kind::list && given.value->items.empty()) {
    findings.error(given.at(), "empty-list", "'instances' is empty: there would be nothing to rotate");
  }
  return instances;
}

}  // namespace

IbmSettings read_ibm(FieldReader& fields, ProviderKind kind, Findings& findings) {
  IbmSettings ibm;
  Given const instances =
      fields.required("instances", "instances: [{ name: kp-main, id: UUID, url: https://... }]");
  ibm.instances = instances_of(instances, kind, findings);
  Given const credentials =
      fields.required("credentials", "credentials: { api_key: { credential: ibm-prod } }");
  ibm.credentials = read_ibm_credentials(credentials, findings);
  Given const token = fields.optional("import_with_token");
  ibm.import_with_token = truth_of(token, findings).value_or(false);
  if (ibm.import_with_token && kind == ProviderKind::ibm_key_protect_dedicated) {
    findings.error(token.at(), "not-offered", "Key Protect Dedicated has no import tokens",
                   "leave 'import_with_token' out");
  }
  fields.refuse("vaults", "it belongs to Azure's kinds; IBM's have 'instances'");
  for (char const* const azure_field :
       {"api_version", "rotate_by", "set_neutral_rotation_policy", "cloud", "resources"}) {
    fields.refuse(azure_field, "it belongs to Azure's kinds");
  }
  return ibm;
}

}  // namespace rekeyd::config

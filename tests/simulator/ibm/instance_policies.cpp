#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/policy_rules.hpp"
#include "tests/simulator/ibm/shapes.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 6> kinds{
    "allowedNetwork", "allowedIP", "dualAuthDelete", "metrics", "keyCreateImportAccess", "rotation"};

bool is_kind(std::string_view name) { return std::ranges::find(kinds, name) != kinds.end(); }

json::object attributes(std::string_view kind, InstancePolicy const& policy) {
  json::object result;
  if (kind == "rotation" && policy.interval_month) result["interval_month"] = *policy.interval_month;
  if (kind == "allowedNetwork") result["allowed_network"] = policy.allowed_network;
  if (kind == "allowedIP") {
    json::array list;
    for (auto const& entry : policy.allowed_ip) list.emplace_back(entry);
    result["allowed_ip"] = std::move(list);
  }
  if (kind == "keyCreateImportAccess") {
    for (auto const& [name, allowed] : policy.permissions) result[name] = allowed;
  }
  return result;
}

json::object describe(Instance const& instance, std::string const& kind, InstancePolicy const& policy) {
  json::object data{{"enabled", policy.enabled}};
  if (auto described = attributes(kind, policy); !described.empty())
    data["attributes"] = std::move(described);
  return {{"policy_type", kind},
          {"policy_data", std::move(data)},
          {"createdBy", policy.created.by},
          {"creationDate", instance.date(policy.created.at)},
          {"updatedBy", policy.updated.by},
          {"lastUpdated", instance.date(policy.updated.at)}};
}

Granted<std::string> wanted_kind(Call const& call) {
  auto kind = call.target.param("policy").value_or("");
  if (kind.empty() || is_kind(kind)) return kind;
  return refuse_query("policy", "The query_param 'policy' must be: the type of an instance policy");
}

std::optional<Refusal> read_permissions(json::object const& given, InstancePolicy& policy) {
  auto const known = strict(given, {"create_root_key", "create_standard_key", "import_root_key",
                                    "import_standard_key", "enforce_token"});
  if (!known) return known.error();
  for (auto const& entry : *known) {
    auto const allowed = flag_member(*known, {entry.key().data(), entry.key().size()});
    if (!allowed) return allowed.error();
    if (*allowed) policy.permissions[std::string(entry.key())] = **allowed;
  }
  return std::nullopt;
}

std::optional<Refusal> read_network(json::object const& given, InstancePolicy& policy) {
  auto const known = strict(given, {"allowed_network"});
  if (!known) return known.error();
  auto const network = text_member(*known, "allowed_network");
  if (!network) return network.error();
  policy.allowed_network = network->value_or("");
  if (policy.allowed_network == "public-and-private" || policy.allowed_network == "private-only") return {};
  return refuse_field("allowed_network", "The field must be: public-and-private or private-only").error();
}

std::optional<Refusal> read_addresses(json::object const& given, InstancePolicy& policy) {
  auto const known = strict(given, {"allowed_ip"});
  if (!known) return known.error();
  auto addresses = text_list_member(*known, "allowed_ip");
  if (!addresses) return addresses.error();
  policy.allowed_ip = std::move(*addresses);
  if (!policy.allowed_ip.empty()) return std::nullopt;
  return refuse_field("allowed_ip", "The field must be: a list of addresses").error();
}

std::optional<Refusal> read_interval(json::object const& given, InstancePolicy& policy) {
  auto const known = strict(given, {"interval_month"});
  if (!known) return known.error();
  auto const interval = interval_month(*known);
  if (!interval) return interval.error();
  policy.interval_month = *interval;
  return std::nullopt;
}

std::optional<Refusal> read_attributes(std::string_view kind, json::object const& given,
                                       InstancePolicy& policy) {
  if (kind == "keyCreateImportAccess") return read_permissions(given, policy);
  if (kind == "allowedNetwork") return read_network(given, policy);
  if (kind == "allowedIP") return read_addresses(given, policy);
  if (kind == "rotation") return read_interval(given, policy);
  return refuse_body(fmt::format("The policy '{}' has no attributes", kind)).error();
}

/// A policy that is on must say what it is.
std::optional<Refusal> completeness_objection(std::string_view kind, InstancePolicy const& policy) {
  if (!policy.enabled) return std::nullopt;
  bool const incomplete = (kind == "rotation" && !policy.interval_month) ||
                          (kind == "allowedNetwork" && policy.allowed_network.empty()) ||
                          (kind == "allowedIP" && policy.allowed_ip.empty());
  if (!incomplete) return std::nullopt;
  return refuse_body(fmt::format("The policy '{}' needs its attributes", kind)).error();
}

struct Wish {
  std::string kind;
  InstancePolicy policy;
};

std::optional<Refusal> read_data(json::object const& data, Wish& wish) {
  auto const known = strict(data, {"enabled", "attributes"});
  if (!known) return known.error();
  auto const enabled = flag_member(*known, "enabled");
  if (!enabled) return enabled.error();
  if (!*enabled) return refuse_body("The field 'enabled' is required").error();
  wish.policy.enabled = **enabled;
  auto const* given = known->if_contains("attributes");
  if (given != nullptr && !given->is_object())
    return refuse_body("The field 'attributes' must be an object").error();
  if (given != nullptr) {
    if (auto bad = read_attributes(wish.kind, given->get_object(), wish.policy)) return bad;
  }
  return completeness_objection(wish.kind, wish.policy);
}

Granted<Wish> read_wish(json::object const& resource, std::string const& wanted) {
  auto const known = strict(resource, {"policy_type", "policy_data"});
  if (!known) return std::unexpected(known.error());
  auto const kind = text_member(*known, "policy_type");
  if (!kind) return std::unexpected(kind.error());
  Wish wish{kind->value_or(""), {}};
  if (!is_kind(wish.kind))
    return refuse_field("policy_type", "The field must be: the type of an instance policy");
  if (!wanted.empty() && wanted != wish.kind) {
    return refuse(400, "BODY_QUERY_PARAM_MISMATCH_ERR",
                  "Data in body does not match data required by query parameter");
  }
  auto const* data = known->if_contains("policy_data");
  if (data == nullptr || !data->is_object()) return refuse_body("The field 'policy_data' must be an object");
  if (auto const bad = read_data(data->get_object(), wish)) return std::unexpected(*bad);
  return wish;
}

}  // namespace

Outcome get_instance_policies(Instance& instance, Call const& call) {
  auto const kind = wanted_kind(call);
  if (!kind) return std::unexpected(kind.error());
  json::array resources;
  for (auto const& [name, policy] : instance.policies) {
    if (kind->empty() || *kind == name) resources.emplace_back(describe(instance, name, policy));
  }
  return collection(instance, policy_type, std::move(resources));
}

Outcome put_instance_policies(Instance& instance, Call const& call) {
  auto const kind = wanted_kind(call);
  if (!kind) return std::unexpected(kind.error());
  auto const resources = body_resources(call.request.body);
  if (!resources) return std::unexpected(resources.error());
  if (!kind->empty() && resources->size() > 1) {
    return refuse(400, "NUM_COLLECTION_RESOURCE_ERR",
                  "Only a single instance policy may be created per query parameter");
  }
  std::vector<Wish> wishes;
  for (auto const& resource : *resources) {
    auto wish = read_wish(resource, *kind);
    if (!wish) return std::unexpected(wish.error());
    wishes.push_back(std::move(*wish));
  }
  if (wishes.empty()) return refuse_body("The body names no policy");
  Stamp const stamp{call.caller.iam_id, call.now};
  for (auto& wish : wishes) {
    auto const old = instance.policies.find(wish.kind);
    wish.policy.created = old == instance.policies.end() ? stamp : old->second.created;
    wish.policy.updated = stamp;
    instance.policies.insert_or_assign(wish.kind, std::move(wish.policy));
  }
  return no_content();
}

Outcome get_allowed_ip_port(Instance& instance, Call const&) {
  constexpr unsigned private_port = 15008;
  json::array resources;
  if (instance.policy_in_force("allowedIP") != nullptr) {
    resources.emplace_back(json::object{{"private_endpoint_port", private_port}});
  }
  return collection(instance, allowed_ip_type, std::move(resources));
}

}  // namespace rekeyd::sim::ibm

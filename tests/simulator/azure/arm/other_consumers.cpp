#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/azure/arm/sql_server.hpp"
#include "tests/simulator/azure/arm/storage_account.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

/// Requests about storage accounts and SQL servers.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

Answer named(Answer answer, char const* operation) {
  answer.operation = operation;
  return answer;
}

bool is_of(ResourceName const& name, ResourceId const& id) {
  return name.subscription == id.subscription && (!id.in_group() || lower(name.group) == lower(id.group));
}

/// "putserverkey" in the paths of SQL's operations, and its word in the first answer. That of the protector
/// is general knowledge.
struct SqlWords {
  char const* path;
  char const* operation;
};

SqlWords words_of(Act act) {
  if (act == Act::put_sql_key) return {"serverKey", "UpsertLogicalServerEncryptionKeys"};
  return {"encryptionProtector", "UpdateLogicalServerEncryptionProtector"};
}

}  // namespace

Answer ResourceManager::storage_accounts(Call const& call) {
  std::string const& method = call.request.method;
  auto const& parts = call.id.parts;
  if (parts.front().first != "storageaccounts" || parts.size() > 1)
    return refused_at_gateway(404, "InvalidResourceType", "The resource type could not be found.");
  if (parts.front().second.empty()) {
    if (method != "GET") return no_route(method);
    json::array all;
    for (auto const& [key, account] : call.seen.accounts) {
      if (is_of(account.name, call.id)) all.push_back(account_json(account));
    }
    return page(call, std::move(all), "storageAccounts.list");
  }
  ResourceName const name{call.id.subscription, call.id.group, "storageAccounts", parts.front().second,
                          "Microsoft.Storage"};
  auto const seen = call.seen.accounts.find(name.key());
  if (seen == call.seen.accounts.end())
    return named(no_resource("Microsoft.Storage/storageAccounts", name.name, name.group),
                 "storageAccounts.get");
  if (method == "GET") return named(json_answer(200, account_json(seen->second)), "storageAccounts.get");
  if (method != "PATCH") return no_route(method);
  auto const body = json_object(call.request.body);
  if (!body) return named(bad_body(), "storageAccounts.update");
  auto& account = estate_.accounts.at(name.key());
  if (auto const objection = patch(account, *body, *keys_, call.now))
    return named(refused(*objection), "storageAccounts.update");
  remember(call.now);
  return named(json_answer(200, account_json(account)), "storageAccounts.update");
}

Answer ResourceManager::sql(Call const& call) {
  auto const& parts = call.id.parts;
  std::string const& method = call.request.method;
  if (parts.front().first == "locations" && parts.size() == 2 && method == "GET") return sql_operation(call);
  if (parts.front().first != "servers" || parts.size() > 2)
    return refused_at_gateway(404, "InvalidResourceType", "The resource type could not be found.");
  if (parts.front().second.empty()) {
    if (method != "GET") return no_route(method);
    json::array all;
    for (auto const& [key, server] : call.seen.servers) {
      if (is_of(server.name, call.id)) all.push_back(server_json(server));
    }
    return page(call, std::move(all), "servers.list");
  }
  ResourceName const name{call.id.subscription, call.id.group, "servers", parts.front().second,
                          "Microsoft.Sql"};
  auto const seen = call.seen.servers.find(name.key());
  if (seen == call.seen.servers.end())
    return named(no_resource("Microsoft.Sql/servers", name.name, name.group), "servers.get");
  if (method == "PUT" && parts.size() == 2) return put_sql(call, estate_.servers.at(name.key()));
  if (method != "GET") return no_route(method);
  return parts.size() == 1 ? named(json_answer(200, server_json(seen->second)), "servers.get")
                           : read_sql(call, seen->second);
}

Answer ResourceManager::read_sql(Call const& call, SqlServer const& server) {
  auto const& [what, name] = call.id.parts[1];
  if (what == "encryptionprotector") {
    if (!name.empty()) return named(json_answer(200, protector_json(server)), "encryptionProtectors.get");
    json::array const all{protector_json(server)};
    return page(call, all, "encryptionProtectors.list");
  }
  if (what != "keys")
    return refused_at_gateway(404, "InvalidResourceType", "The resource type could not be found.");
  if (name.empty()) {
    json::array all;
    for (auto const& [folded, key] : server.keys) all.push_back(server_key_json(server, &key));
    all.push_back(server_key_json(server, nullptr));
    return page(call, std::move(all), "serverKeys.list");
  }
  auto const found = server.keys.find(lower(name));
  if (found == server.keys.end() && lower(name) != lower(service_managed))
    return named(no_resource("Microsoft.Sql/servers/" + server.name.name + "/keys", name, server.name.group),
                 "serverKeys.get");
  auto const* key = found == server.keys.end() ? nullptr : &found->second;
  return named(json_answer(200, server_key_json(server, key)), "serverKeys.get");
}

Answer ResourceManager::put_sql(Call const& call, SqlServer& server) {
  auto const& [what, name] = call.id.parts[1];
  bool const key = what == "keys";
  if ((!key && what != "encryptionprotector") || name.empty()) return no_route("PUT");
  char const* const operation = key ? "serverKeys.createOrUpdate" : "encryptionProtectors.createOrUpdate";
  auto const body = json_object(call.request.body);
  if (!body) return named(bad_body(), operation);
  if (!server.operation.empty()) {
    return named(refused(409, "ConflictingServerOperation",
                         fmt::format("An operation on server '{}' is in progress.", server.name.name)),
                 operation);
  }
  Operation begun;
  begun.act = key ? Act::put_sql_key : Act::set_protector;
  begun.started = call.now;
  auto const objection = key ? read_key(*body, name, begun) : read_protector(*body, server, begun);
  if (objection) return named(refused(*objection), operation);
  auto identified = new_operation(begun.act, server.name, server.location, call.client, call.now);
  identified.sql_key = begun.sql_key;
  identified.auto_rotation = begun.auto_rotation;
  identified.due = call.now + settings_.key_change;
  server.operation = identified.id;
  auto answer = sql_accepted(call, identified);
  estate_.operations.emplace(identified.id, std::move(identified));
  remember(call.now);
  return named(std::move(answer), operation);
}

Answer ResourceManager::sql_accepted(Call const& call, Operation const& operation) const {
  auto const words = words_of(operation.act);
  std::string const base = fmt::format("{}{}/providers/Microsoft.Sql/locations/{}/{}", call.base,
                                       call.id.scope, operation.location, words.path);
  std::string const rest = fmt::format("/{}?api-version={}", operation.id, call.version);
  auto answer = json_answer(202, {{"operation", words.operation}, {"startTime", zulu(operation.started)}});
  answer.headers.emplace_back("Azure-AsyncOperation", base + "AzureAsyncOperation" + rest);
  answer.headers.emplace_back("Location", base + "OperationResults" + rest);
  if (settings_.retry_after)
    answer.headers.emplace_back("Retry-After", std::to_string(*settings_.retry_after));
  return answer;
}

Answer ResourceManager::sql_operation(Call const& call) {
  auto const& [what, id] = call.id.parts[1];
  auto const found = call.seen.operations.find(lower(id));
  bool const known = found != call.seen.operations.end() &&
                     what.starts_with(lower(words_of(found->second.act).path)) &&
                     found->second.subscription == call.id.subscription;
  if (!known)
    return named(
        refused(404, "OperationIdNotFound", fmt::format("The operation with Id '{}' was not found.", id)),
        "sqlOperations.get");
  Operation const& operation = found->second;
  if (what.ends_with("azureasyncoperation")) {
    char const* const status = !operation.ended ? "InProgress" : operation.failure ? "Failed" : "Succeeded";
    json::object body{{"name", operation.id}, {"status", status}, {"startTime", zulu(operation.started)}};
    if (operation.failure)
      body["error"] = {{"code", operation.failure->code}, {"message", operation.failure->message}};
    return named(json_answer(200, body), "sqlOperations.get");
  }
  if (!operation.ended) return named(sql_accepted(call, operation), "sqlOperations.get");
  if (operation.failure)
    return named(refused(409, operation.failure->code, operation.failure->message), "sqlOperations.get");
  SqlServer const& server = call.seen.servers.at(operation.resource);
  return named(
      json_answer(200, operation.act == Act::put_sql_key ? server_key_json(server, &operation.sql_key)
                                                         : protector_json(server)),
      "sqlOperations.get");
}

}  // namespace rekeyd::sim::azure::arm

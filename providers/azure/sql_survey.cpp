// Which SQL servers use our keys, and which versions they keep for their backups.
#include "providers/azure/arm_resources.hpp"
#include "providers/azure/sql_server.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

asio::awaitable<Result<std::vector<Registration>>> ResourceManager::sql_in(std::string folder,
                                                                           ResourceSurvey& survey,
                                                                           Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("{}/providers/{}", folder, sql_servers.list);
  call.api_version = sql_servers.api_version;
  auto const servers =
      co_await readable_items(std::move(call), read_sql_server_id, &survey.defects, deadline);
  if (!servers) co_return std::unexpected(servers.error());
  std::vector<Registration> found;
  for (ArmId const& server : *servers) {
    auto ties = co_await sql_ties(server.resource(), survey, deadline);
    if (!ties) co_return std::unexpected(std::move(ties.error()));
    std::ranges::move(*ties, std::back_inserter(found));
  }
  co_return found;
}

// A server's own entry tells of its key, too, but not whether Azure moves it.
asio::awaitable<Result<std::vector<Registration>>> ResourceManager::sql_ties(ResourceId server,
                                                                             ResourceSurvey& survey,
                                                                             Clock::Mono deadline) {
  std::vector<Registration> const none;
  auto protector = co_await read(server, deadline);
  if (!protector) {
    ErrorClass const error_class = protector.error().error_class;
    bool const gone = error_class == ErrorClass::not_found;
    if (gone) co_return none;  // Deleted meanwhile.
    bool const readable = error_class != ErrorClass::malformed;
    if (readable) co_return std::unexpected(std::move(protector.error()));
    survey.defects.push_back(std::move(protector.error()));
    co_return none;
  }
  std::vector<Registration> found;
  KeyIdentifier const current = protector->resource.key;
  if (auto tie = ours(std::move(protector->resource))) found.push_back(*std::move(tie));
  ArmCall call;
  call.path = fmt::format("{}/{}", server.str(), sql_server_keys.list);
  call.api_version = sql_server_keys.api_version;
  auto keys = co_await readable_items(std::move(call), sql_server_keys.read, &survey.defects, deadline);
  bool const gone = !keys && keys.error().error_class == ErrorClass::not_found;
  if (gone) co_return none;
  if (!keys) co_return std::unexpected(std::move(keys.error()));
  for (EncryptedResource& key : *keys) {
    if (key.key == current) continue;
    if (auto tie = ours(std::move(key))) found.push_back(*std::move(tie));
  }
  co_return found;
}

}  // namespace rekeyd::providers::azure

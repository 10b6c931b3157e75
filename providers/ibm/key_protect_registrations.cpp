// Which of IBM's services use our keys, and asking them to take a new version up. Registrations are theirs to
// write; ours is to read them and to notify.
#include "providers/ibm/key_protect_provider.hpp"
#include "providers/ibm/page_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;

asio::awaitable<Result<std::vector<Registration>>> KeyProtect::list_registrations(
    InstanceAddress const& instance, std::string path, KeyRef key, Clock::Mono deadline) {
  std::vector<Registration> registrations;
  std::set<std::pair<KeyId, ResourceId>> seen;
  for (std::size_t number = 0; number < pages_max; ++number) {
    auto call = page_call(path, number * page_size, {});
    auto reply = co_await access_.call(instance, std::move(call), deadline);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    auto page = parse_registrations(reply->response.body, key, reply->where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    // A registration that cannot be read may be the one that still uses an old version.
    if (!page->defects.empty()) co_return std::unexpected(std::move(page->defects.front()));
    for (auto& registration : page->items) {
      bool const first = seen.emplace(registration.key.id, registration.resource).second;
      if (first) registrations.push_back(std::move(registration));
    }
    if (page->entries < page_size) co_return registrations;
  }
  co_return std::unexpected(endless_list(path));
}

asio::awaitable<Result<std::vector<Registration>>> KeyProtect::registrations(KeyRef key,
                                                                             Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  auto listed = co_await list_registrations(*place->instance, place->path() + "/registrations",
                                            std::move(key), deadline);
  co_return listed;
}

asio::awaitable<Result<std::vector<Registration>>> KeyProtect::vault_registrations(VaultName vault,
                                                                                   Clock::Mono deadline) {
  InstanceAddress const* const instance = find_instance(vault);
  if (instance == nullptr) {
    co_return std::unexpected(
        misuse(ErrorClass::not_found, "no such instance is configured", {}, vault.str()));
  }
  KeyRef any{options_.name, std::move(vault), {}};
  auto listed =
      co_await list_registrations(*instance, "/api/v2/keys/registrations", std::move(any), deadline);
  if (!listed) co_return std::unexpected(std::move(listed.error()));
  std::ranges::sort(*listed, {}, [](Registration const& each) { return std::tie(each.key, each.resource); });
  co_return std::move(*listed);
}

asio::awaitable<Result<Evidence>> KeyProtect::sync_registrations(KeyRef key, Clock::Mono deadline) {
  auto place = place_of(key);
  if (!place) co_return std::unexpected(std::move(place.error()));
  InstanceCall call;
  call.method = "POST";
  call.path = place->path() + "/actions/sync";
  // Asked a second time it would be refused as too early, which would hide that the first was taken.
  call.repeatable = Repeatable::no;
  auto reply = co_await access_.call(*place->instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return std::move(reply->evidence);
}

}  // namespace rekeyd::providers::ibm

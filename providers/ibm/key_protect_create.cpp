// Making a root key, to take another's place. Names are not unique here and ids are the service's: the key
// carries our operation id as a tag, by which it is found again.
#include "providers/ibm/key_protect_provider.hpp"
#include "providers/json_answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr char key_type[] = "application/vnd.ibm.kms.key+json";
// The service's own bounds (API: create a key).
constexpr std::size_t name_min = 2;
constexpr std::size_t name_max = 90;

Body write_create_key(CreateOrder const& order) {
  json::object key{{"type", key_type},
                   {"name", order.name},
                   {"extractable", false},
                   {"tags", json::array{fmt::format("{}:{}", operation_tag, order.operation.str())}}};
  json::object const body{{"metadata", json::object{{"collectionType", key_type}, {"collectionTotal", 1}}},
                          {"resources", json::array{std::move(key)}}};
  std::string const text = json::serialize(body);
  return {text.data(), text.size()};
}

bool made_by(RotationId const& operation, RootKey const& key) {
  auto const tag = key.tags.find(operation_tag);
  return tag != key.tags.end() && tag->second == operation.str() && key.state != KeyState::destroyed;
}

std::optional<Error> refuse_order(CreateOrder const& order) {
  if (order.name.size() < name_min || order.name.size() > name_max) {
    return misuse(ErrorClass::permanent,
                  fmt::format("a key's name has {} to {} characters here", name_min, name_max),
                  "take another name", order.name);
  }
  if (order.like.origin == Origin::imported) {
    return misuse(ErrorClass::permanent, "the key's material was imported: rekeyd makes no key like it",
                  "import the successor's material by hand and name the key (--by)", order.like.ref.text());
  }
  return std::nullopt;
}

}  // namespace

asio::awaitable<Result<std::optional<KeyRef>>> KeyProtect::find_created(CreateOrder order,
                                                                        Clock::Mono deadline) {
  auto refused = refuse_order(order);
  if (refused) co_return std::unexpected(std::move(*refused));
  std::string cursor;
  do {
    auto const page = co_await list_keys(order.vault, cursor, deadline);
    if (!page) co_return std::unexpected(page.error());
    // It might be the one that cannot be read.
    if (!page->defects.empty()) co_return std::unexpected(page->defects.front());
    auto const made = std::ranges::find_if(
        page->keys, [&order](RootKey const& key) { return made_by(order.operation, key); });
    if (made != page->keys.end()) co_return made->ref;
    cursor = page->next;
  } while (!cursor.empty());
  co_return std::nullopt;
}

asio::awaitable<Result<CreateReceipt>> KeyProtect::create(CreateOrder order, Clock::Mono deadline) {
  auto refused = refuse_order(order);
  if (refused) co_return std::unexpected(std::move(*refused));
  auto const* instance = find_instance(order.vault);
  if (instance == nullptr) {
    co_return std::unexpected(misuse(ErrorClass::permanent,
                                     "no instance of this name is configured for the provider", {},
                                     order.vault.str()));
  }
  InstanceCall call;
  call.method = "POST";
  call.path = "/api/v2/keys";
  call.content_type = key_type;
  call.body = write_create_key(order);
  call.repeatable = Repeatable::no;
  auto reply = co_await access_.call(*instance, std::move(call), deadline);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto made = parse_key(reply->response.body, reply->where);
  if (!made || !made_by(order.operation, made->key)) {
    Error error = made ? malformed_answer("the key does not carry the tag that was sent", reply->where)
                       : std::move(made.error());
    error.delivery = Delivery::maybe_applied;
    co_return std::unexpected(std::move(error));
  }
  CreateReceipt receipt;
  receipt.key = {options_.name, instance->name, made->key.ref.id};
  receipt.evidence = std::move(reply->evidence);
  co_return receipt;
}

}  // namespace rekeyd::providers::ibm

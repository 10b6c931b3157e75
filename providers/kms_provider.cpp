#include "providers/kms_provider.hpp"

#include <fmt/format.h>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

Error without(std::string_view what, KeyRef const& key) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.what = fmt::format("this provider has no {}", what);
  error.where = key.text();
  error.remedy = "take it out of the policy, or give this key a policy of its own";
  return error;
}

}  // namespace

asio::awaitable<Result<std::vector<Registration>>> KmsProvider::vault_registrations(VaultName vault,
                                                                                    Clock::Mono) {
  co_return std::unexpected(without("list of what uses its keys", KeyRef{name(), std::move(vault), {}}));
}

asio::awaitable<Result<Evidence>> KmsProvider::sync_registrations(KeyRef key, Clock::Mono) {
  co_return std::unexpected(without("list of what uses its keys", key));
}

asio::awaitable<Result<Evidence>> KmsProvider::set_version_expiry(KeyRef key, VersionId, Instant,
                                                                  Clock::Mono) {
  co_return std::unexpected(without("expiry of key versions", key));
}

asio::awaitable<Result<Evidence>> KmsProvider::set_tags(KeyRef key, std::map<std::string, std::string>,
                                                        Clock::Mono) {
  co_return std::unexpected(without("tags of keys that could be set", key));
}

asio::awaitable<Result<Evidence>> KmsProvider::set_provider_rotation(KeyRef key, std::optional<Months>,
                                                                     Clock::Mono) {
  co_return std::unexpected(without("rotation of its own", key));
}

}  // namespace rekeyd::providers

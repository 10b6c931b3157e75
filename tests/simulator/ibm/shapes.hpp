#pragma once
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

/// The wire's shapes.
namespace rekeyd::sim::ibm {

/// "application/vnd.ibm.kms." and the rest.
inline constexpr std::string_view key_type = "application/vnd.ibm.kms.key+json";
inline constexpr std::string_view key_version_type = "application/vnd.ibm.kms.key.version+json";
inline constexpr std::string_view policy_type = "application/vnd.ibm.kms.policy+json";
inline constexpr std::string_view registration_type = "application/vnd.ibm.kms.registration+json";
inline constexpr std::string_view key_ring_type = "application/vnd.ibm.kms.key_ring+json";
inline constexpr std::string_view alias_type = "application/vnd.ibm.kms.alias+json";
inline constexpr std::string_view allowed_ip_type = "application/vnd.ibm.kms.allowed_ip_metadata+json";

/// A list in its envelope. `collectionTotal` counts this page; `total`, the whole, is told only when asked
/// for. Of an empty list `resources` is left out, or what the instance's oddities say.
Answer collection(Instance const& instance, std::string_view type, boost::json::array resources,
                  std::optional<std::size_t> total = std::nullopt);
/// One resource in its envelope.
Answer single(unsigned status, std::string_view type, boost::json::object resource);
Answer no_content();

/// A key without its payload, as a read at `now` shows it.
boost::json::object key_object(Instance const& instance, Key const& key, Instant now);
/// The same with the payload, which only a standard key that is not deleted shows.
boost::json::object key_object_with_payload(Instance const& instance, Key const& key, Instant now);
boost::json::object version_object(Instance const& instance, KeyVersion const& version);
boost::json::object registration_object(Instance const& instance, Key const& key,
                                        Registration const& registration);

}  // namespace rekeyd::sim::ibm

#pragma once
#include "tests/simulator/azure/arm/power.hpp"

#include <boost/json/fwd.hpp>

/// Storage accounts, as recorded exchanges show them: customer-managed keys that name a version, or follow.
namespace rekeyd::sim::azure::arm {

boost::json::object account_json(StorageAccount const& account);

/// A PATCH: done at once, or refused. What it says of other things than tags, identity and encryption counts
/// for nothing here.
std::optional<Objection> patch(StorageAccount& account, boost::json::object const& body,
                               KeyDirectory const& keys, Instant now);

/// The daily look at the key of an account that follows.
void follow(StorageAccount& account, KeyDirectory const& keys, Instant at);

inline bool follows(StorageAccount const& account) { return account.customer_key && !account.pinned; }

}  // namespace rekeyd::sim::azure::arm

#pragma once
#include "tests/simulator/azure/arm/power.hpp"

#include <boost/json/fwd.hpp>

#include <expected>

/// Logical SQL servers with their keys and the protector of transparent data encryption.
namespace rekeyd::sim::azure::arm {

inline constexpr char const* service_managed = "ServiceManaged";

boost::json::object server_json(SqlServer const& server);
/// `key`: null for Microsoft's own.
boost::json::object server_key_json(SqlServer const& server, SqlServer::Key const* key);
boost::json::object protector_json(SqlServer const& server);

/// "VAULT_KEY_VERSION", the name that a key of a server must have.
std::string server_key_name(KeyUrl const& key);

/// What the body of a PUT of a key, or of the protector, asks for; written into the operation.
std::optional<Objection> read_key(boost::json::object const& body, std::string const& name,
                                  Operation& operation);
std::optional<Objection> read_protector(boost::json::object const& body, SqlServer const& server,
                                        Operation& operation);

/// The operation ends at `at`, well or not.
void end_sql(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at);

/// The hourly look at the protector's key, if it rotates by itself.
void follow(SqlServer& server, KeyDirectory const& keys, Instant at);

inline bool follows(SqlServer const& server) { return server.auto_rotation && !server.protector.empty(); }

}  // namespace rekeyd::sim::azure::arm

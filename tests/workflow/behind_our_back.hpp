#pragma once
#include "tests/workflow/living_daemon.hpp"

#include <string>

/// People at the clouds themselves, whom the daemon hears of only by looking. Each call fails the test unless
/// the cloud did what was asked.
namespace rekeyd::test {

/// At Key Protect, to the key of that reference: "rotate", "disable", "enable", "restore".
void act_at_ibm(LivingDaemon& life, char const* action, char const* key);
void delete_at_ibm(LivingDaemon& life, char const* key);

/// At Key Vault or Managed HSM. `path` without host and api-version: "/keys/cmk-ledger/rotate".
void act_at_azure(LivingDaemon& life, char const* method, char const* host, std::string const& path,
                  std::string const& body = {});

}  // namespace rekeyd::test

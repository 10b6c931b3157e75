#pragma once
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/ibm/refusal.hpp"

#include <boost/json/fwd.hpp>

#include <string>

namespace rekeyd::sim::ibm {

/// The material in `payload` (decoded), which was wrapped for the instance's import token: with the flavour's
/// RSA-OAEP, the token's nonce under it in `encryptedNonce` and `iv` of the body.
Granted<std::string> open_import(Instance& instance, std::string const& payload,
                                 boost::json::object const& body, Instant now);

}  // namespace rekeyd::sim::ibm

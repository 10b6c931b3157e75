#pragma once
#include "tests/simulator/service.hpp"

#include <expected>
#include <string_view>

/// The error bodies of Key Vault and Managed HSM: {"error":{"code","message","innererror"?}}.
namespace rekeyd::sim::azure {

Answer error_answer(unsigned status, std::string_view code, std::string_view message,
                    std::string_view inner_code = {});

Answer bad_parameter(std::string_view message);
Answer key_not_found(std::string_view name, std::string_view version);
Answer method_not_allowed(std::string_view method);
Answer throttled();

/// A value, or the answer that refuses the request.
template <class T>
using Or = std::expected<T, Answer>;

}  // namespace rekeyd::sim::azure

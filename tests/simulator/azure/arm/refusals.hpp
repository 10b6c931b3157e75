#pragma once
#include "tests/simulator/azure/arm/power.hpp"
#include "tests/simulator/service.hpp"

#include <string>
#include <string_view>

/// Azure Resource Manager's errors: {"error":{"code","message"}}. Wordings from recorded exchanges and public
/// error pages; those marked (G) are general knowledge.
namespace rekeyd::sim::azure::arm {

Answer refused(unsigned status, std::string_view code, std::string_view message);
/// By the front of Azure Resource Manager, before a resource provider saw it.
Answer refused_at_gateway(unsigned status, std::string_view code, std::string_view message);
Answer refused(Objection const& objection);

Answer no_resource(std::string_view type, std::string_view name, std::string_view group);
Answer no_group(std::string_view group);
Answer no_route(std::string_view method);
Answer bad_body();
/// Too many requests, in the words of Compute: not wrapped in "error".
Answer too_many_for_compute(std::string_view policy, unsigned retry_after);
Answer too_many_for_arm(std::string_view subscription, unsigned retry_after);

}  // namespace rekeyd::sim::azure::arm

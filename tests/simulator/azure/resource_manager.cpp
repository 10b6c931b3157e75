#include "tests/simulator/azure/resource_manager.hpp"

#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

Answer error(unsigned status, char const* code, std::string_view message) {
  auto answer = json_answer(status, {{"error", {{"code", code}, {"message", message}}}});
  answer.headers.emplace_back("x-ms-failure-cause", "gateway");
  return answer;
}

}  // namespace

bool ResourceManager::serves(std::string_view host) const {
  return host == resource_manager_host.real || host == resource_manager_host.loopback;
}

std::vector<std::string> ResourceManager::hosts() const {
  return {std::string(resource_manager_host.real), std::string(resource_manager_host.loopback)};
}

Answer ResourceManager::handle(Request const& request, Instant) {
  auto const path = request.target.substr(0, request.target.find('?'));
  return error(404, "ResourceNotFound",
               fmt::format("The Resource '{}' was not found. For more details please go to "
                           "https://aka.ms/ARMResourceNotFoundFix",
                           path));
}

Answer ResourceManager::refusal(unsigned status, Request const&) const {
  if (status == 429) return error(429, "TooManyRequests", "The request is being throttled.");
  return error(status, "InternalServerError", "The server has failed to process the request.");
}

json::value ResourceManager::state(Instant) const { return nullptr; }

}  // namespace rekeyd::sim::azure

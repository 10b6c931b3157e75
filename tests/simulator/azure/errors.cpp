#include "tests/simulator/azure/errors.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure {

namespace json = boost::json;

Answer error_answer(unsigned status, std::string_view code, std::string_view message,
                    std::string_view inner_code) {
  json::object error{{"code", code}, {"message", message}};
  if (!inner_code.empty()) error["innererror"] = {{"code", inner_code}};
  return json_answer(status, {{"error", std::move(error)}});
}

Answer bad_parameter(std::string_view message) { return error_answer(400, "BadParameter", message); }

Answer key_not_found(std::string_view name, std::string_view version) {
  std::string id(name);
  if (!version.empty()) id.append("/").append(version);
  return error_answer(
      404, "KeyNotFound",
      fmt::format(
          "A key with (name/id) {} was not found in this key vault. If you recently deleted this key you may "
          "be "
          "able to recover it using the correct recovery command. For help resolving this issue, please see "
          "https://go.microsoft.com/fwlink/?linkid=2125182",
          id));
}

Answer method_not_allowed(std::string_view method) {
  return error_answer(405, "MethodNotAllowed",
                      fmt::format("The requested operation does not support http method '{}' here.", method));
}

Answer throttled() {
  return error_answer(429, "Throttled",
                      "Request was not processed because too many requests were received. Reason: "
                      "VaultRequestTypeLimitReached");
}

}  // namespace rekeyd::sim::azure

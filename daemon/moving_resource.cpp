#include "daemon/moving_resource.hpp"

#include <utility>

namespace rekeyd::daemon {

bool is_on(Registration const& resource, VersionId const& version) {
  if (resource.version != version) return false;
  auto const& condition = resource.condition;
  return !condition ||
         (condition->word != "changing" && condition->word != "partly_moved" && condition->word != "failed");
}

bool has_condition(Registration const& resource, std::string_view word) {
  return resource.condition && resource.condition->word == word;
}

Error trouble_with(Registration const& resource, ErrorClass error_class, std::string what,
                   std::string remedy) {
  Error error;
  error.error_class = error_class;
  error.what = std::move(what);
  error.where = resource.resource.str();
  error.remedy = std::move(remedy);
  return error;
}

}  // namespace rekeyd::daemon

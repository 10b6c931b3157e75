#include "providers/ibm/page_call.hpp"

#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::ibm {

InstanceCall page_call(std::string path, std::size_t offset, std::string_view more) {
  InstanceCall call;
  call.path = std::move(path);
  call.query = fmt::format("limit={}&offset={}{}", page_size, offset, more);
  return call;
}

Error endless_list(std::string const& where) {
  return malformed_answer(fmt::format("the listing has more than {} full pages", pages_max), where);
}

}  // namespace rekeyd::providers::ibm

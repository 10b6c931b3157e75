#include "providers/json.hpp"

#include "providers/secret.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

std::string what_came_instead(std::string_view text, boost::system::error_code problem) {
  auto const start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "the answer is empty where JSON was expected";
  if (text[start] == '<') return "the answer is a web page or XML where JSON was expected";
  return fmt::format("the answer is not valid JSON ({})", problem.message());
}

}  // namespace

Result<boost::json::value> parse_wiping(std::string_view text, std::string_view where) {
  // json::parse() would put its scratch buffer on the stack and leave it there.
  boost::json::parser parser(wiping_storage());
  parser.reset(wiping_storage());
  boost::system::error_code problem;
  parser.write(boost::json::string_view(text.data(), text.size()), problem);
  if (problem) {
    Error error;
    error.error_class = ErrorClass::malformed;
    error.what = what_came_instead(text, problem);
    error.where = where;
    return std::unexpected(std::move(error));
  }
  return parser.release();
}

}  // namespace rekeyd::providers

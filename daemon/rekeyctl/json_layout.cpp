#include "daemon/rekeyctl/json_layout.hpp"

#include <boost/json.hpp>

namespace rekeyd::rekeyctl {

namespace json = boost::json;

namespace {

void lay_out(json::value const& value, std::string const& indent, std::string& out) {
  std::string const inner = indent + "  ";
  char const* separator = "\n";
  if (value.is_object() && !value.get_object().empty()) {
    out += '{';
    for (auto const& member : value.get_object()) {
      out += separator + inner + json::serialize(json::string(member.key())) + ": ";
      lay_out(member.value(), inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "}";
  } else if (value.is_array() && !value.get_array().empty()) {
    out += '[';
    for (json::value const& element : value.get_array()) {
      out += separator + inner;
      lay_out(element, inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string laid_out_json(std::string const& text) {
  std::string out;
  lay_out(json::parse(text), "", out);
  return out + "\n";
}

}  // namespace rekeyd::rekeyctl

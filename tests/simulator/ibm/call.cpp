#include "tests/simulator/ibm/call.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  auto const* const first = text.data();
  auto const* const last = first + text.size();
  auto const [stopped, error] = std::from_chars(first, last, number);
  if (error != std::errc() || stopped != last) return std::nullopt;
  return number;
}

Granted<std::size_t> number_param(Call const& call, std::string_view name, std::size_t usual,
                                  std::size_t least, std::size_t most) {
  auto const text = call.target.param(name);
  if (!text) return usual;
  auto const number = whole_number(*text);
  if (number && *number >= least && *number <= most) return *number;
  return refuse_query(std::string(name),
                      fmt::format("The query_param '{}' must be: between {} and {}", name, least, most));
}

json::value const* member(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::unexpected<Refusal> refuse_type(std::string_view name, std::string_view expected) {
  return refuse_body(fmt::format("The field '{}' must be {}", name, expected));
}

Granted<json::object> parse_object(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  json::error_code error;
  auto value = json::parse({body.data(), body.size()}, error);
  if (error) return refuse_body("The body is not valid JSON");
  if (value.is_null()) return json::object();
  if (!value.is_object()) return refuse_body("The body must be a JSON object");
  return std::move(value.as_object());
}

}  // namespace

bool Call::wants_representation(bool otherwise) const {
  auto const prefer = request.header("Prefer");
  if (prefer.find("return=minimal") != std::string_view::npos) return false;
  if (prefer.find("return=representation") != std::string_view::npos) return true;
  return otherwise;
}

Granted<Page> page(Call const& call, std::size_t usual, std::size_t most) {
  constexpr std::size_t far = 1'000'000'000;
  auto const limit = number_param(call, "limit", usual, 1, most);
  if (!limit) return std::unexpected(limit.error());
  auto const offset = number_param(call, "offset", 0, 0, far);
  if (!offset) return std::unexpected(offset.error());
  return Page{*offset, *limit};
}

Granted<std::optional<bool>> bool_param(Call const& call, std::string_view name) {
  auto const text = call.target.param(name);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  return refuse_query(std::string(name), fmt::format("The query_param '{}' must be: true or false", name));
}

Granted<bool> flag_param(Call const& call, std::string_view name) {
  auto const value = bool_param(call, name);
  if (!value) return std::unexpected(value.error());
  return value->value_or(false);
}

Granted<json::object> strict(json::object const& object, std::initializer_list<std::string_view> members) {
  json::object result;
  for (auto const& entry : object) {
    std::string_view const given(entry.key().data(), entry.key().size());
    std::string_view known;
    for (auto const name : members) {
      if (lower(name) == lower(given)) known = name;
    }
    if (known.empty()) return refuse_body(fmt::format("json: unknown field \"{}\"", given));
    result[{known.data(), known.size()}] = entry.value();
  }
  return result;
}

Granted<json::object> body_object(std::string_view body, std::initializer_list<std::string_view> members) {
  auto const object = parse_object(body);
  if (!object) return std::unexpected(object.error());
  return strict(*object, members);
}

Granted<std::vector<json::object>> body_resources(std::string_view body) {
  auto const object = body_object(body, {"metadata", "resources"});
  if (!object) return std::unexpected(object.error());
  if (object->empty()) return refuse(400, "NO_BODY_ERR", "Missing body in request");
  auto const* list = member(*object, "resources");
  if (list == nullptr || !list->is_array()) return refuse_type("resources", "a list");
  std::vector<json::object> resources;
  for (auto const& entry : list->get_array()) {
    if (!entry.is_object()) return refuse_type("resources", "a list of objects");
    resources.push_back(entry.get_object());
  }
  auto const* metadata = member(*object, "metadata");
  if (metadata == nullptr) return resources;
  if (!metadata->is_object()) return refuse_type("metadata", "an object");
  auto const known = strict(metadata->get_object(), {"collectionType", "collectionTotal"});
  if (!known) return std::unexpected(known.error());
  auto const total = integer_member(*known, "collectionTotal");
  if (total && *total != static_cast<std::int64_t>(resources.size())) {
    return refuse(400, "COLLECTION_TOTAL_MISMATCH_ERR",
                  "Collection total does not match number of resources");
  }
  return resources;
}

Granted<std::optional<std::string>> text_member(json::object const& object, std::string_view name) {
  auto const* value = member(object, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return refuse_type(name, "a string");
  return std::string(value->get_string());
}

Granted<std::optional<bool>> flag_member(json::object const& object, std::string_view name) {
  auto const* value = member(object, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return refuse_type(name, "true or false");
  return value->get_bool();
}

Granted<std::optional<std::int64_t>> number_member(json::object const& object, std::string_view name) {
  if (member(object, name) == nullptr) return std::nullopt;
  auto const number = integer_member(object, name);
  if (!number) return refuse_type(name, "a whole number");
  return number;
}

Granted<std::vector<std::string>> text_list_member(json::object const& object, std::string_view name) {
  auto const* value = member(object, name);
  std::vector<std::string> result;
  if (value == nullptr) return result;
  if (!value->is_array()) return refuse_type(name, "a list of strings");
  for (auto const& entry : value->get_array()) {
    if (!entry.is_string()) return refuse_type(name, "a list of strings");
    result.emplace_back(entry.get_string());
  }
  return result;
}

}  // namespace rekeyd::sim::ibm

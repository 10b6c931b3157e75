#include "providers/json_answer.hpp"

#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers {

namespace json = boost::json;

namespace {

constexpr std::int64_t last_second_of_9999 = 253'402'300'799;
constexpr std::size_t excerpt_bytes_max = 512;

char const* type_word(json::value const& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      break;
  }
  return "a number";
}

}  // namespace

void JsonObject::note(std::string_view member, std::string_view complaint) const {
  defect_->note(fmt::format("{} {}", path_of(member), complaint));
}

void JsonObject::note_type(std::string_view member, std::string_view wanted, json::value const& came) const {
  defect_->note(fmt::format("{} should be {}, and {} came", path_of(member), wanted, type_word(came)), true);
}

std::string JsonObject::path_of(std::string_view member) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  return path += member;
}

json::value const* JsonObject::find(std::string_view member) const {
  if (object_ == nullptr) return nullptr;
  auto const found = object_->find(json::string_view(member.data(), member.size()));
  return found == object_->end() || found->value().is_null() ? nullptr : &found->value();
}

std::string_view JsonObject::secret_text(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) {
    note(member, "is missing");
    return {};
  }
  if (!value->is_string()) {
    note_type(member, "a text that is not empty", *value);
    return {};
  }
  if (value->get_string().empty()) {
    note(member, "should be a text that is not empty");
    return {};
  }
  return {value->get_string().data(), value->get_string().size()};
}

std::string JsonObject::text(std::string_view member) const { return std::string(secret_text(member)); }

std::string JsonObject::text_if(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    note_type(member, "a text", *value);
    return {};
  }
  return {value->get_string().data(), value->get_string().size()};
}

std::optional<std::int64_t> JsonObject::integer_if(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) return std::nullopt;
  json::error_code failed;
  auto const number = value->is_number() ? value->to_number<std::int64_t>(failed) : 0;
  if (!value->is_number() || failed) {
    note_type(member, "a whole number", *value);
    return std::nullopt;
  }
  return number;
}

std::optional<bool> JsonObject::flag_if(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) {
    note_type(member, "true or false", *value);
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<Instant> JsonObject::epoch_if(std::string_view member) const {
  auto const seconds = integer_if(member);
  if (!seconds) return std::nullopt;
  if (*seconds < 0 || *seconds > last_second_of_9999) {
    note(member, "should be seconds since 1970");
    return std::nullopt;
  }
  return Instant(std::chrono::seconds(*seconds));
}

std::optional<Instant> JsonObject::date_if(std::string_view member) const {
  if (find(member) == nullptr) return std::nullopt;
  auto const instant = parse_rfc3339(text_if(member));
  if (!instant) note(member, "should be a date and time (RFC 3339)");
  return instant;
}

JsonObject JsonObject::object(std::string_view member) const {
  if (find(member) == nullptr) note(member, "is missing");
  return object_if(member);
}

JsonObject JsonObject::object_if(std::string_view member) const {
  auto const* value = find(member);
  if (value != nullptr && !value->is_object()) note_type(member, "an object", *value);
  bool const usable = value != nullptr && value->is_object();
  return {usable ? &value->get_object() : nullptr, path_of(member), *defect_};
}

std::vector<JsonObject> JsonObject::objects_if(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) return {};
  if (value->is_object()) return {JsonObject(&value->get_object(), path_of(member), *defect_)};
  if (!value->is_array()) {
    note_type(member, "an array", *value);
    return {};
  }
  std::vector<JsonObject> entries;
  entries.reserve(value->get_array().size());
  std::string const list = path_of(member) + "[";
  for (auto const& entry : value->get_array()) {
    std::string path = list + std::to_string(entries.size()) + "]";
    entries.emplace_back(entry.is_object() ? &entry.get_object() : nullptr, std::move(path), *defect_);
  }
  return entries;
}

std::vector<std::string> JsonObject::texts_if(std::string_view member) const {
  auto const* value = find(member);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    note_type(member, "an array of texts", *value);
    return {};
  }
  std::vector<std::string> texts;
  for (auto const& entry : value->get_array()) {
    if (!entry.is_string()) {
      note_type(member, "an array of texts", entry);
      return {};
    }
    texts.emplace_back(entry.get_string().data(), entry.get_string().size());
  }
  return texts;
}

std::map<std::string, std::string> JsonObject::text_map_if(std::string_view member) const {
  std::map<std::string, std::string> texts;
  auto const inner = object_if(member);
  if (!inner.present()) return texts;
  for (auto const& [key, value] : *inner.object_) {
    if (!value.is_string()) {
      note_type(member, "an object of texts", value);
      return {};
    }
    texts.emplace(std::string(key.data(), key.size()),
                  std::string(value.get_string().data(), value.get_string().size()));
  }
  return texts;
}

JsonAnswer::JsonAnswer(std::string_view body, AnswerContent content)
    : document_(std::make_unique<json::value>()) {
  if (content == AnswerContent::secret) {
    auto parsed = parse_wiping(body, {});
    if (parsed) document_ = std::make_unique<json::value>(std::move(*parsed));
    if (!parsed) defect_.note(parsed.error().what);
  } else {
    // A page of a list is thousands of small values that come and go together.
    auto storage = json::make_shared_resource<json::monotonic_resource>(2 * body.size() + 1024);
    json::error_code failed;
    auto parsed = json::parse(json::string_view(body.data(), body.size()), failed, std::move(storage));
    document_ = std::make_unique<json::value>(std::move(parsed));
    if (failed) defect_.note(fmt::format("it is not JSON ({})", failed.message()));
  }
  if (defect_.none() && !document_->is_object()) defect_.note("it is JSON but no object");
}

JsonAnswer::~JsonAnswer() = default;

JsonObject JsonAnswer::root() { return root_reporting_to(defect_); }

JsonObject JsonAnswer::root_reporting_to(JsonDefect& defect) const {
  return {document_->is_object() ? &document_->get_object() : nullptr, {}, defect};
}

Error JsonAnswer::error(std::string where) const { return malformed_answer(defect_, std::move(where)); }

Error malformed_answer(JsonDefect const& defect, std::string where) {
  Error error = malformed_answer(defect.text(), std::move(where));
  if (!defect.changed_type()) return error;
  error.code = changed_type_code;
  error.remedy =
      "the service speaks another version of its interface than rekeyd knows, or a proxy answers in its "
      "place: "
      "check the address and the API version (docs/limits.md), and report this with the request id";
  return error;
}

Error malformed_answer(std::string_view defect, std::string where) {
  Error error;
  error.error_class = ErrorClass::malformed;
  error.what = fmt::format("the answer is not what the protocol says: {}", defect);
  error.where = std::move(where);
  error.remedy =
      "check that the configured address is the service itself and not a proxy or a portal; if it is, report "
      "this with the request id";
  return error;
}

std::string body_excerpt(std::string_view body) {
  std::string excerpt(body.substr(0, excerpt_bytes_max));
  std::ranges::replace_if(excerpt, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  // A cut in the middle of a UTF-8 sequence, or bytes that never were UTF-8, must not reach JSON or a
  // terminal.
  std::ranges::replace_if(excerpt, [](unsigned char c) { return c >= 0x80; }, '?');
  auto const last = excerpt.find_last_not_of(' ');
  excerpt.erase(last == std::string::npos ? 0 : last + 1);
  return excerpt;
}

}  // namespace rekeyd::providers

#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading a provider's JSON answer, which may be anything: another type, half of it, a proxy's HTML.
/// Nothing here throws. Reading goes on with empty values after a defect, so a parser is a plain list of the
/// members it wants; at its end it asks once whether all of them were what the protocol says.
namespace rekeyd::providers {

/// The first thing found wrong: "attributes.created should be a whole number". Empty when nothing was.
/// Names members and the types of what came, never repeats their values.
class JsonDefect {
 public:
  bool none() const { return text_.empty(); }
  std::string const& text() const { return text_; }
  /// A member was of another type than the protocol says: its API version may be another.
  bool changed_type() const { return changed_type_; }
  void note(std::string text, bool changed_type = false) {
    if (!text_.empty()) return;
    text_ = std::move(text);
    changed_type_ = changed_type;
  }

 private:
  std::string text_;
  bool changed_type_{};
};

/// One object of an answer, or its absence; knows its own path. Valid while its JsonAnswer lives.
/// Names with `_if` treat a missing member and null as absent; the others note a defect then. A member of
/// another type is a defect always. Members that are not asked for are nobody's business: services add some.
class JsonObject {
 public:
  JsonObject(boost::json::object const* object, std::string path, JsonDefect& defect)
      : object_(object), path_(std::move(path)), defect_(&defect) {}

  bool present() const { return object_ != nullptr; }
  bool has(std::string_view member) const { return find(member) != nullptr; }
  std::string const& path() const { return path_; }
  /// The same object with another place for its defects: one broken entry need not spoil a list.
  JsonObject reporting_to(JsonDefect& defect) const { return {object_, path_, defect}; }
  void note(std::string_view member, std::string_view complaint) const;

  std::string text(std::string_view member) const;  ///< Not empty, or a defect.
  std::string text_if(std::string_view member) const;
  /// A view into the answer's own storage, for secrets. Empty is a defect.
  std::string_view secret_text(std::string_view member) const;
  std::optional<std::int64_t> integer_if(std::string_view member) const;
  std::optional<bool> flag_if(std::string_view member) const;
  std::optional<Instant> epoch_if(std::string_view member) const;  ///< Seconds since 1970, years 1970..9999.
  std::optional<Instant> date_if(std::string_view member) const;   ///< RFC 3339 text.
  JsonObject object(std::string_view member) const;
  JsonObject object_if(std::string_view member) const;
  /// An array of objects. Absent and null are empty; one object in place of an array counts as an array of
  /// one; an entry that is no object comes back absent, so that reading it is its own defect.
  std::vector<JsonObject> objects_if(std::string_view member) const;
  std::vector<std::string> texts_if(std::string_view member) const;
  std::map<std::string, std::string> text_map_if(std::string_view member) const;

 private:
  boost::json::value const* find(std::string_view member) const;  // null for absent and JSON null
  void note_type(std::string_view member, std::string_view wanted, boost::json::value const& came) const;
  std::string path_of(std::string_view member) const;

  boost::json::object const* object_;
  std::string path_;
  JsonDefect* defect_;
};

/// Whether an answer carries a DEK: all memory of its reading is wiped then.
enum class AnswerContent { open, secret };

class JsonAnswer {
 public:
  explicit JsonAnswer(std::string_view body, AnswerContent content = AnswerContent::open);
  ~JsonAnswer();
  JsonAnswer(JsonAnswer const&) = delete;
  JsonAnswer& operator=(JsonAnswer const&) = delete;

  JsonObject root();
  /// For reading where nothing is owed: an answer that is no object reads as empty.
  JsonObject root_reporting_to(JsonDefect& defect) const;
  JsonDefect& defect() { return defect_; }
  bool sound() const { return defect_.none(); }
  Error error(std::string where) const;

 private:
  std::unique_ptr<boost::json::value> document_;
  JsonDefect defect_;
};

/// "The answer is not what the protocol says: DEFECT", class malformed.
Error malformed_answer(std::string_view defect, std::string where);
/// The same; with the code changed_type, and what to do then, when that is what the defect is.
Error malformed_answer(JsonDefect const& defect, std::string where);

/// Error::code of an answer with a member of another type than the protocol says.
inline constexpr char changed_type_code[] = "changed_type";

/// At most 512 bytes of a body that was no JSON, on one line and without control characters: for errors.
std::string body_excerpt(std::string_view body);

}  // namespace rekeyd::providers

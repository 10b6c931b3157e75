#pragma once
#include "config/findings.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::config {

/// Every alias is refused, so a file cannot have many more nodes than this and still be one that a person
/// wrote.
inline constexpr std::size_t yaml_nodes_max = 200'000;
/// Our deepest field is at 7.
inline constexpr std::size_t yaml_depth_max = 32;

struct YamlField;

/// One value of a strict YAML text, with its place. Plain data.
struct YamlValue {
  enum class Kind {
    null,  ///< Nothing, `~` or `null`.
    scalar,
    list,
    map,
    refused,  ///< Something that we do not read (an alias, a tag); already reported, say no more.
  };
  Kind kind{Kind::null};
  Position at;
  std::string text;  ///< Of a scalar, unescaped.
  bool quoted{};     ///< In quotes or a block scalar: certainly text, whatever it looks like.
  std::vector<YamlValue> items;
  std::vector<YamlField>
      fields;  ///< In the order of the text; a name may occur twice (FieldReader reports it).
};

struct YamlField {
  std::string name;  ///< Empty when the key was not a usable word; already reported.
  Position at;
  YamlValue value;
};

/// "nothing", "text", "a list", "a map": for messages.
char const* to_text(YamlValue::Kind kind);

/// Reads exactly one document. Reports what cannot be read at all (size, encoding, syntax, depth, a second
/// document): then there is no value. Reports and marks as refused what YAML allows and we do not: anchors,
/// aliases, merge keys and tags, because with them a line can mean something else than it says, and a
/// reviewer of a key policy sees lines. Throws TooManyFindings only; no message repeats a scalar of the text,
/// which may be a secret.
std::optional<YamlValue> parse_yaml(std::string_view text, Findings& findings);

}  // namespace rekeyd::config

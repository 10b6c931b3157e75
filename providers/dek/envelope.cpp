#include "providers/dek/envelope.hpp"

#include "providers/dek/json_members.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace rekeyd::providers {
namespace {

namespace json = boost::json;

constexpr std::int64_t format_version = 1;
/// Deep enough for anything that a person wrote, shallow enough for any stack.
constexpr std::size_t depth_max = 256;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n'));
}

std::string_view cut(std::string_view text, TextSpan span) {
  return text.substr(span.begin, span.end - span.begin);
}

char const* kind_word(json::value const& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

/// Judges the whole text as JSON. What it builds is thrown away: a document does not remember where its
/// values stood, and forgets duplicates.
std::optional<EnvelopeDefect> json_defect(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  json::parser parser({}, options);
  boost::system::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\n\r", used) != std::string_view::npos) {
    error = json::make_error_code(json::error::extra_data);
  }
  if (error) {
    if (error == json::error::incomplete) used = text.size();
    return EnvelopeDefect{.line = line_of(text, used), .what = "not valid JSON: " + error.message()};
  }
  json::value const document = parser.release();
  if (document.is_object()) return std::nullopt;
  return EnvelopeDefect{.line = line_of(text, std::min(text.find_first_not_of(" \t\n\r"), text.size())),
                        .what = fmt::format("{}, expected one JSON object", kind_word(document))};
}

std::optional<EnvelopeDefect> text_defect(std::string_view text) {
  if (text.size() > envelope_bytes_max) {
    return EnvelopeDefect{
        .line = 1,
        .what = fmt::format("larger than {} bytes, the most an envelope may have", envelope_bytes_max)};
  }
  if (text.starts_with(byte_order_mark)) {
    return EnvelopeDefect{.line = 1, .what = "begins with a byte order mark, expected plain UTF-8"};
  }
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) {
    return EnvelopeDefect{.line = 1, .what = "empty, expected one JSON object"};
  }
  return json_defect(text);
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_base64_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '=';
  });
}

/// Takes our members out of a text's members and remembers the first thing that is wrong.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    static constexpr std::string_view ours[] = {"rekeyd_envelope", "provider",  "vault", "key",
                                                "key_version",     "algorithm", "wdek",  "aad"};
    for (JsonMember const& member : locate_members(text)) {
      std::string const name(json::parse(cut(text, member.name)).as_string());
      if (std::ranges::find(ours, name) == std::end(ours)) continue;
      if (!members_.emplace(name, member).second) {
        fail(member.name.begin,
             fmt::format("member \"{}\" stands here a second time, expected it once", name));
      }
    }
  }

  void expect_format_version() {
    std::optional<json::value> const value = take("rekeyd_envelope", "the number 1: is this an envelope?");
    if (!value) return;
    if (!value->is_int64()) return fail_type("rekeyd_envelope", *value, "the number 1");
    if (value->get_int64() == format_version) return;
    fail(members_.at("rekeyd_envelope").value.begin,
         fmt::format("envelope version {}, expected {}: a newer rekeyd may know it", value->get_int64(),
                     format_version));
  }

  /// A string that is not empty. `expected` says what it should hold.
  std::string required(std::string const& name, std::string_view expected) {
    std::optional<json::value> const value = take(name, expected);
    if (!value) return {};
    std::string text = string_of(name, *value, expected);
    if (text.empty())
      fail(members_.at(name).value.begin, fmt::format("\"{}\" is empty, expected {}", name, expected));
    return text;
  }

  /// Part of a root key's reference, which is written with '/' between its parts.
  std::string reference_part(std::string const& name, std::string_view expected) {
    std::string part = required(name, expected);
    if (part.find('/') != std::string::npos) {
      fail(members_.at(name).value.begin,
           fmt::format("\"{}\" holds a '/', expected {} alone, no URL", name, expected));
    }
    return part;
  }

  std::string ciphertext() {
    static constexpr std::string_view expected = "the wrapped DEK as base64 or base64url";
    std::string text = required("wdek", expected);
    if (!is_base64_text(text)) {
      fail(members_.at("wdek").value.begin,
           fmt::format("\"wdek\" holds other characters, expected {}", expected));
    }
    return text;
  }

  std::string algorithm() {
    if (!members_.contains("algorithm")) return {};
    static constexpr std::string_view expected = "the provider's name of the algorithm";
    return string_of("algorithm", value_of("algorithm"), expected);
  }

  std::vector<std::string> aad() {
    std::vector<std::string> texts;
    if (!members_.contains("aad")) return texts;
    static constexpr std::string_view expected = "an array of strings";
    json::value const value = value_of("aad");
    if (!value.is_array()) {
      fail_type("aad", value, expected);
      return texts;
    }
    for (json::value const& element : value.get_array()) {
      if (!element.is_string())
        fail(members_.at("aad").value.begin,
             fmt::format("\"aad\" holds {}, expected {}", kind_word(element), expected));
      else
        texts.emplace_back(element.get_string());
    }
    return texts;
  }

  JsonMember const* member(std::string const& name) const {
    auto const found = members_.find(name);
    return found == members_.end() ? nullptr : &found->second;
  }
  std::optional<EnvelopeDefect> const& defect() const { return defect_; }

 private:
  void fail(std::size_t at, std::string what) {
    if (!defect_) defect_ = EnvelopeDefect{.line = line_of(text_, at), .what = std::move(what)};
  }
  void fail_type(std::string const& name, json::value const& value, std::string_view expected) {
    fail(members_.at(name).value.begin,
         fmt::format("\"{}\" is {}, expected {}", name, kind_word(value), expected));
  }
  json::value value_of(std::string const& name) const {
    json::parse_options options;
    options.max_depth = depth_max;
    return json::parse(cut(text_, members_.at(name).value), {}, options);
  }
  std::optional<json::value> take(std::string const& name, std::string_view expected) {
    if (members_.contains(name)) return value_of(name);
    fail(std::min(text_.find('{'), text_.size()),
         fmt::format("member \"{}\" is missing, expected {}", name, expected));
    return std::nullopt;
  }
  std::string string_of(std::string const& name, json::value const& value, std::string_view expected) {
    if (!value.is_string()) {
      fail_type(name, value, expected);
      return {};
    }
    std::string text(value.get_string());
    if (has_control_character(text)) {
      fail(members_.at(name).value.begin,
           fmt::format("\"{}\" holds a control character, expected {}", name, expected));
    }
    return text;
  }

  std::string_view text_;
  std::map<std::string, JsonMember, std::less<>> members_;
  std::optional<EnvelopeDefect> defect_;
};

/// One replacement in a text.
struct Edit {
  TextSpan at;
  std::string text;
};

std::string apply(std::string_view text, std::vector<Edit> edits) {
  std::ranges::sort(edits, {}, [](Edit const& edit) { return edit.at.begin; });
  std::string result;
  std::size_t copied = 0;
  for (Edit const& edit : edits) {
    result += text.substr(copied, edit.at.begin - copied);
    result += edit.text;
    copied = edit.at.end;
  }
  result += text.substr(copied);
  return result;
}

std::string quoted(std::string_view text) { return json::serialize(json::value(json::string_view(text))); }

}  // namespace

std::string group_of(KeyRef const& key) {
  std::string text = key.text();
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::expected<Envelope, EnvelopeDefect> read_envelope(std::string_view text) {
  if (std::optional<EnvelopeDefect> defect = text_defect(text)) return std::unexpected(std::move(*defect));
  Reader reader(text);
  reader.expect_format_version();
  Envelope envelope;
  envelope.dek.key.provider = ProviderName(reader.reference_part("provider", "a provider instance's name"));
  envelope.dek.key.vault = VaultName(reader.reference_part("vault", "a vault's or service instance's name"));
  envelope.dek.key.id = KeyId(reader.reference_part("key", "the root key's id"));
  envelope.dek.version = VersionId(reader.required("key_version", "the provider's id of the key version"));
  envelope.dek.ciphertext = reader.ciphertext();
  envelope.dek.algorithm = reader.algorithm();
  envelope.dek.aad = reader.aad();
  if (reader.defect()) return std::unexpected(*reader.defect());
  envelope.provider = reader.member("provider")->value;
  envelope.vault = reader.member("vault")->value;
  envelope.key = reader.member("key")->value;
  envelope.key_version = reader.member("key_version")->value;
  envelope.wdek = reader.member("wdek")->value;
  envelope.wdek_lead = reader.member("wdek")->lead;
  if (JsonMember const* const algorithm = reader.member("algorithm")) envelope.algorithm = algorithm->value;
  return envelope;
}

std::string with_dek(std::string_view text, Envelope const& envelope, WrappedDek const& after) {
  std::vector<Edit> edits{{envelope.key_version, quoted(after.version.str())},
                          {envelope.wdek, quoted(after.ciphertext)}};
  if (group_of(after.key) != group_of(envelope.dek.key)) {
    edits.push_back({envelope.provider, quoted(after.key.provider.str())});
    edits.push_back({envelope.vault, quoted(after.key.vault.str())});
    edits.push_back({envelope.key, quoted(after.key.id.str())});
  }
  bool const names_algorithm = envelope.algorithm != TextSpan{};
  if (names_algorithm) edits.push_back({envelope.algorithm, quoted(after.algorithm)});
  if (!names_algorithm && !after.algorithm.empty()) {
    edits[1].text +=
        fmt::format(",{}\"algorithm\": {}", cut(text, envelope.wdek_lead), quoted(after.algorithm));
  }
  return apply(text, std::move(edits));
}

}  // namespace rekeyd::providers

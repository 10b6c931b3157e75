#include "config/yaml_fields.hpp"

#include "config/duration.hpp"
#include "config/near_word.hpp"
#include "config/plain_scalar.hpp"
#include "config/text_encoding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

/// The scalar, or a mistake. `expected`: "a number".
std::string const* scalar_of(Given const& given, char const* expected, Findings& findings) {
  if (!given || given.value->kind == Kind::refused) return nullptr;
  if (given.value->kind == Kind::scalar) return &given.value->text;
  bool const meant_as_text = std::string_view(expected) == "text" && given.value->kind != Kind::null;
  findings.error(given.at(), "wrong-type",
                 fmt::format("{}: expected {}, found {}", given.label, expected, to_text(given.value->kind)),
                 meant_as_text ? "text that begins with '[' or '{' needs quotes" : "");
  return nullptr;
}

std::string quoted(Given const& given) {
  constexpr std::size_t longest = 80;
  if (given.echo == Echo::no) return "this value";
  std::string const& text = given.value->text;
  if (text.size() > longest || has_control_character(text)) return "this value";
  return fmt::format("'{}'", text);
}

bool is_unquoted_decimal(Given const& given, Findings& findings) {
  if (given.value->quoted) {
    findings.error(given.at(), "wrong-type", fmt::format("{}: expected a number, found text", given.label),
                   "write it without quotes");
    return false;
  }
  if (is_plain_decimal(given.value->text)) return true;
  findings.error(given.at(), "wrong-type",
                 fmt::format("{}: {} is not a plain decimal number", given.label, quoted(given)),
                 "digits only, without leading zeros, fractions, exponents or units");
  return false;
}

void out_of_range(Given const& given, auto min, auto max, Findings& findings) {
  findings.error(
      given.at(), "out-of-range",
      fmt::format("{} must be between {} and {}, not {}", given.label, min, max, given.value->text));
}

}  // namespace

void report(Given const& given, Complaint const& complaint, Findings& findings) {
  findings.error(given.at(), complaint.rule, fmt::format("{}: {}", given.label, complaint.message),
                 complaint.hint);
}

Given map_of(Given given, Findings& findings) {
  if (!given || given.value->kind == Kind::map) return given;
  if (given.value->kind != Kind::refused) {
    findings.error(
        given.at(), "wrong-type",
        fmt::format("{}: expected fields (name: value), found {}", given.label, to_text(given.value->kind)));
  }
  return {};
}

std::vector<Given> list_of(Given const& given, Findings& findings) {
  std::vector<Given> items;
  if (!given || given.value->kind == Kind::refused) return items;
  if (given.value->kind != Kind::list) {
    findings.error(given.at(), "wrong-type",
                   fmt::format("{}: expected a list, found {}", given.label, to_text(given.value->kind)),
                   "begin each item with '- ', or write [a, b]");
    return items;
  }
  std::string const label = fmt::format("an item of {}", given.label);
  for (YamlValue const& item : given.value->items) {
    if (item.kind == Kind::null) findings.error(item.at, "missing-value", label + " is empty");
    if (item.kind == Kind::null || item.kind == Kind::refused) continue;
    items.push_back({&item, label, given.echo});
  }
  return items;
}

std::optional<std::string> text_of(Given const& given, Findings& findings) {
  std::string const* const text = scalar_of(given, "text", findings);
  if (text == nullptr) return std::nullopt;
  if (text->empty()) {
    findings.error(given.at(), "missing-value", fmt::format("{} is empty", given.label));
    return std::nullopt;
  }
  if (has_control_character(*text)) {
    findings.error(given.at(), "wrong-type",
                   fmt::format("{}: expected one line of text without control characters", given.label));
    return std::nullopt;
  }
  std::string const other = given.value->quoted ? "" : other_reading(*text);
  if (!other.empty()) {
    findings.error(
        given.at(), "ambiguous-text",
        fmt::format("{}: {} without quotes is {} to some YAML readers", given.label, quoted(given), other),
        given.echo == Echo::yes ? fmt::format("if text is meant, write \"{}\"", *text) : "put it in quotes");
    return std::nullopt;
  }
  return *text;
}

std::optional<long long> whole_number_of(Given const& given, long long min, long long max,
                                         Findings& findings) {
  std::string const* const text = scalar_of(given, "a number", findings);
  if (text == nullptr || !is_unquoted_decimal(given, findings)) return std::nullopt;
  long long number{};
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && number >= min && number <= max) return number;
  out_of_range(given, min, max, findings);
  return std::nullopt;
}

std::optional<double> decimal_of(Given const& given, double min, double max, Findings& findings) {
  std::string const* const text = scalar_of(given, "a number", findings);
  if (text == nullptr) return std::nullopt;
  auto const point = text->find('.');
  bool const fraction = point != std::string::npos && point + 1 < text->size() &&
                        text->find_first_not_of("0123456789", point + 1) == std::string::npos;
  bool const well_formed = fraction && !given.value->quoted && is_plain_decimal(text->substr(0, point));
  if (!well_formed && !is_unquoted_decimal(given, findings)) return std::nullopt;
  double number{};
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && number >= min && number <= max) return number;
  out_of_range(given, min, max, findings);
  return std::nullopt;
}

std::optional<bool> truth_of(Given const& given, Findings& findings) {
  std::string const* const text = scalar_of(given, "true or false", findings);
  if (text == nullptr) return std::nullopt;
  if (!given.value->quoted && (*text == "true" || *text == "false")) return *text == "true";
  findings.error(given.at(), "wrong-type",
                 fmt::format("{}: expected true or false, found {}", given.label, quoted(given)),
                 "write true or false, without quotes");
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> duration_of(Given const& given, std::chrono::milliseconds min,
                                                     std::chrono::milliseconds max, Findings& findings) {
  std::string const* const text = scalar_of(given, "a length of time", findings);
  if (text == nullptr) return std::nullopt;
  auto const duration = parse_duration(*text);
  if (!duration) {
    report(given, duration.error(), findings);
    return std::nullopt;
  }
  if (*duration >= min && *duration <= max) return *duration;
  out_of_range(given, duration_text(min), duration_text(max), findings);
  return std::nullopt;
}

std::optional<std::size_t> word_index_of(Given const& given, std::span<std::string const> words,
                                         Findings& findings) {
  std::string const* const text = scalar_of(given, "a word", findings);
  if (text == nullptr) return std::nullopt;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (*text == words[i]) return i;
  }
  std::string hint = did_you_mean(*text, words);
  findings.error(
      given.at(), "unknown-word",
      fmt::format("{}: expected one of {}, found {}", given.label, fmt::join(words, ", "), quoted(given)),
      std::move(hint));
  return std::nullopt;
}

bool is_version_1(FieldReader& fields, Findings& findings) {
  Given const given = fields.required("version", "version: 1");
  auto const version = whole_number_of(given, 1, 1'000'000, findings);
  if (!version || *version == 1) return true;
  findings.error(given.at(), "version", fmt::format("this rekeyd reads version 1, not version {}", *version),
                 "is the file meant for a newer rekeyd?");
  return false;
}

}  // namespace rekeyd::config

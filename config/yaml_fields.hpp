#pragma once
#include "config/duration.hpp"
#include "config/findings.hpp"
#include "config/yaml_document.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Typed reading of YAML values. Every function reports what is wrong and goes on, so that one run finds all
/// mistakes; a Given without a value was absent or has been reported, and reads as nothing, silently.
namespace rekeyd::config {

/// May a message repeat what the file says? Not where it might be a secret in the wrong place.
enum class Echo { yes, no };

/// What was given for a field or as a list item, and the words by which messages call it.
struct Given {
  YamlValue const* value{};
  std::string label;  ///< "'every'", "an item of 'vaults'"
  Echo echo{Echo::yes};
  explicit operator bool() const { return value != nullptr; }
  Position at() const { return value == nullptr ? Position{} : value->at; }
};

/// What was given is a mistake, and this is why.
void report(Given const& given, Complaint const& complaint, Findings& findings);

/// Takes the fields of one map by name. What nobody asked for is a mistake.
class FieldReader {
 public:
  /// `given` must be a map (see map_of). Reports names that are given twice.
  FieldReader(Given const& given, Findings& findings);
  FieldReader(FieldReader const&) = delete;
  FieldReader& operator=(FieldReader const&) = delete;

  /// Nothing when absent. A field without a value is a mistake.
  Given optional(std::string const& name);
  /// Absent is a mistake, for which `example` shows the remedy: "every: 3 months".
  Given required(std::string const& name, std::string const& example);
  bool has(std::string const& name) const;
  /// `name` is a field of something else: says so instead of "unknown".
  void refuse(std::string const& name, std::string const& reason);
  /// Fields that cannot be judged because something before them is wrong.
  void pass_over(std::span<std::string const> names);
  /// Reports every field that was not asked for. Call last.
  void finish();

 private:
  YamlField const* find(std::string const& name) const;
  YamlValue const& map_;
  Echo echo_;
  std::string label_;
  Findings& findings_;
  std::map<std::string_view, YamlField const*> by_name_;  ///< The first of each name.
  std::vector<std::string> known_;  ///< All names that were asked for, for "did you mean".
  std::vector<std::string> refused_;
};

/// The same Given if it is a map, else a mistake and nothing.
Given map_of(Given given, Findings& findings);
/// The items of a list, each labelled; a single value in the place of a list is a mistake.
std::vector<Given> list_of(Given const& given, Findings& findings);

/// One line of text. Unquoted words that some YAML reader takes for something else (yes, no, null, 010, 1e3)
/// are mistakes: what a reviewer reads must be what is meant.
std::optional<std::string> text_of(Given const& given, Findings& findings);

/// A plain decimal number within the bounds.
std::optional<long long> whole_number_of(Given const& given, long long min, long long max,
                                         Findings& findings);
std::optional<double> decimal_of(Given const& given, double min, double max, Findings& findings);

/// `true` or `false`, nothing else.
std::optional<bool> truth_of(Given const& given, Findings& findings);

/// "30 seconds" within the bounds.
std::optional<std::chrono::milliseconds> duration_of(Given const& given, std::chrono::milliseconds min,
                                                     std::chrono::milliseconds max, Findings& findings);

/// One of a few words; returns its index.
std::optional<std::size_t> word_index_of(Given const& given, std::span<std::string const> words,
                                         Findings& findings);

template <class Enum>
std::optional<Enum> word_of(Given const& given, std::vector<std::pair<std::string, Enum>> const& words,
                            Findings& findings) {
  std::vector<std::string> names;
  for (auto const& [name, value] : words) names.push_back(name);
  auto const index = word_index_of(given, names, findings);
  if (!index) return std::nullopt;
  return words[*index].second;
}

/// One of the words that the enumeration itself prints (its to_text), so that what is read is what is shown.
/// Its values count from 0 without gaps; the first number without a word ends them.
template <class Enum>
std::optional<Enum> word_of(Given const& given, Findings& findings) {
  std::vector<std::pair<std::string, Enum>> words;
  for (int number = 0; *to_text(static_cast<Enum>(number)) != '\0'; ++number) {
    words.emplace_back(to_text(static_cast<Enum>(number)), static_cast<Enum>(number));
  }
  return word_of(given, words, findings);
}

/// Puts what was read into its place; a field that was absent or wrong leaves the default.
template <class To, class From>
void assign(To& to, std::optional<From> from) {
  if (from) to = To(std::move(*from));
}

/// `version: 1`. False when it is another: the rest of the file would only be guessed at.
bool is_version_1(FieldReader& fields, Findings& findings);

}  // namespace rekeyd::config

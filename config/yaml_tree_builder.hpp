#pragma once
#include "config/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::config {

/// The lines of a text, for turning the parser's places (lines and bytes from 0) into ours (from 1,
/// characters).
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  Position position(YAML::Mark const& mark);
  /// Does the value at `mark` begin with `word`?
  bool begins_with(YAML::Mark const& mark, std::string_view word) const;
  /// The scalar at `mark` begins with a quote and nothing ends it. (The parser takes the end of the file for
  /// the end of the quote.)
  bool has_open_quote(YAML::Mark const& mark) const;
  /// The nearest "-" that stands alone on a line above `at`.
  Position empty_item_above(Position at) const;
  /// The tab in the indentation of the line of `at`, if there is one.
  std::optional<Position> indenting_tab(Position at) const;

 private:
  /// What the text holds from `mark` on; empty if there is no such place.
  std::string_view from(YAML::Mark const& mark) const;

  std::string_view text_;
  std::vector<std::string_view> lines_;
  // The place asked for last. The parser goes forward, so counting on from here keeps one long line linear.
  std::size_t line_{};
  std::size_t bytes_{};
  std::ptrdiff_t characters_{};
};

/// Thrown through the parser to end it; the reason is among the findings.
struct ParsingStopped : std::exception {};

/// Builds values from the parser's events. Nothing is built before it is counted, so depth and size are
/// bounded while the parser is still reading.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(LineIndex& lines, Findings& findings) : lines_(lines), findings_(findings) {}
  YamlValue take() { return std::move(root_); }
  std::size_t documents() const { return documents_; }
  /// Where the last scalar in quotes, or block scalar, began.
  YAML::Mark const& last_quoted() const { return last_quoted_; }

  void OnDocumentStart(YAML::Mark const& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override;
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override;
  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& value) override;
  void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }
  void OnAnchor(YAML::Mark const& mark, std::string const& name) override;

 private:
  struct Open {
    YamlValue value;
    bool key_read{};  ///< A map's last field waits for its value.
    bool block_list{};
    bool refused{};  ///< Carried an explicit tag.
  };
  void open(YamlValue::Kind kind, YAML::Mark const& mark, std::string const& tag, bool block);
  void close();
  void add(YamlValue value);
  void add_key(Open& map, YamlValue key);
  bool refuse_tag(Position at, std::string const& tag);
  void count(Position at);

  LineIndex& lines_;
  Findings& findings_;
  std::vector<Open> open_;
  YamlValue root_;
  YAML::Mark last_quoted_{YAML::Mark::null_mark()};
  std::size_t nodes_{};
  std::size_t documents_{};
};

}  // namespace rekeyd::config

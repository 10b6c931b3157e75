#pragma once
#include "tests/simulator/mistakes.hpp"

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// For .cpp files only: it brings yaml-cpp in.
namespace rekeyd::sim {

/// One mapping of a world file, read strictly: every getter reports what is wrong with its field to the
/// mistakes and then returns the fallback; finish() reports fields that nobody asked for.
class Section {
 public:
  /// `path` is the name of the mapping in messages: "azure.vaults[0]". A node that is not a mapping is a
  /// mistake.
  Section(YAML::Node const& node, std::string path, Mistakes& mistakes);

  bool has(std::string const& name);
  /// Required.
  std::string text(std::string const& name);
  std::string text(std::string const& name, std::string const& fallback);
  /// Required when `one_of` has no fallback among the call's arguments: one of the words.
  std::string word(std::string const& name, std::set<std::string> const& one_of,
                   std::string const& fallback = {});
  long number(std::string const& name, long least, long most, long fallback);
  double fraction(std::string const& name, double fallback);
  bool flag(std::string const& name, bool fallback);
  std::vector<std::string> texts(std::string const& name);
  std::map<std::string, std::string> text_map(std::string const& name);
  /// A list of mappings; empty when absent.
  std::vector<Section> sections(std::string const& name);
  /// A mapping; nothing when absent.
  std::optional<Section> section(std::string const& name);
  /// The field as it stands (an undefined node when absent), for whoever reads it otherwise.
  YAML::Node node(std::string const& name);

  /// Reports every field that was not asked for. Call it after the last getter.
  void finish();

  void mistake(std::string const& name, std::string const& message);
  std::string const& path() const { return path_; }

 private:
  std::string field(std::string const& name) const;
  std::optional<std::string> scalar(std::string const& name, char const* expected);
  YAML::Node node_;
  std::string path_;
  Mistakes* mistakes_;
  std::set<std::string> known_;
};

/// For the top of a file, where there is no enclosing Section.
Mistake mistake_at(YAML::Mark const& mark, std::string field, std::string message);

}  // namespace rekeyd::sim

#pragma once
#include "config/diagnostic.hpp"
#include "config/settings.hpp"
#include "policy/rotation_policy.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::config {

/// What a load found: the value if there is no error among the diagnostics, and every diagnostic at once. A
/// file or folder that could not be read at all gives the rule "unreadable"; every other rule is a finding in
/// what was read. (`rekeyctl check` tells the two apart by its exit code.)
template <class T>
struct Loaded {
  std::optional<T> value;
  std::vector<Diagnostic> diagnostics;
};

/// Reads an environment variable; a test gives its own.
using Environment = std::function<std::optional<std::string>(std::string const& name)>;
Environment process_environment();

/// Reads rekeyd.yaml. Relative paths in it are relative to the file's folder.
Loaded<Settings> load_settings(std::filesystem::path const& file, Environment const& environment);

/// Reads every *.yaml and *.yml directly in `directory`, in name order, as one set. Any error in any file
/// refuses the set whole. Two policies with equal selectors, or two of one name, are errors that name both
/// places.
Loaded<PolicySet> load_policies(std::filesystem::path const& directory);

/// The same for files given one by one (`rekeyctl check FILE...`).
Loaded<PolicySet> load_policy_files(std::vector<std::filesystem::path> const& files);

/// Policies that can match no key at all because they name a provider or a vault exactly, and rekeyd.yaml has
/// no such one: warnings, at the policies' places. Without this a typo there would just be silence.
std::vector<Diagnostic> check_names(PolicySet const& policies, Settings const& settings);

/// The same from text; `name` stands for the file in diagnostics. Never throws, whatever the text.
Loaded<PolicySet> parse_policies(std::string const& text, std::string const& name);
Loaded<Settings> parse_settings(std::string const& text, std::string const& name,
                                std::filesystem::path const& folder, Environment const& environment);

}  // namespace rekeyd::config

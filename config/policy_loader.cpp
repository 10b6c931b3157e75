#include "config/file_text.hpp"
#include "config/load.hpp"
#include "config/name_syntax.hpp"
#include "config/policy_digest.hpp"
#include "config/policy_reader.hpp"
#include "config/policy_set_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <system_error>

namespace rekeyd::config {

namespace {

namespace fs = std::filesystem;

void append(std::vector<Diagnostic>& to, std::vector<Diagnostic> from) {
  std::ranges::move(from, std::back_inserter(to));
}

Diagnostic about(fs::path const& path, Severity severity, std::string rule, std::string message,
                 std::string hint = {}) {
  return {severity, {path.string(), 0, 0}, std::move(rule), std::move(message), std::move(hint), {}};
}

std::vector<RotationPolicy> read_one(PolicyText const& file, std::vector<Diagnostic>& diagnostics) {
  Findings findings(file.shown);
  std::vector<RotationPolicy> policies;
  try {
    if (auto const root = parse_yaml(file.bytes, findings)) policies = read_policies(*root, findings);
  } catch (TooManyFindings const&) {  // NOLINT(bugprone-empty-catch): it is among the findings.
  }
  append(diagnostics, findings.take());
  return policies;
}

/// The files as one set, after whatever was found when they were opened.
Loaded<PolicySet> load_texts(std::span<PolicyText const> files, std::vector<Diagnostic> diagnostics) {
  PolicySet set;
  for (PolicyText const& file : files)
    std::ranges::move(read_one(file, diagnostics), std::back_inserter(set.policies));
  append(diagnostics, check_policy_set(set.policies));
  if (has_errors(diagnostics)) return {std::nullopt, std::move(diagnostics)};
  set.digest = policy_digest(files);
  return {std::move(set), std::move(diagnostics)};
}

/// The policy files of a directory in name order; what only looks like one is warned of.
std::vector<fs::path> policy_files(fs::path const& directory, std::vector<Diagnostic>& diagnostics) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  while (!error && entry != fs::directory_iterator()) {
    fs::path const path = entry->path();
    std::string const name = path.filename().string();
    std::string const extension = path.extension().string();
    bool const hidden = name.starts_with('.');  // Editors keep their locks and swap files so.
    if (!hidden && (extension == ".yaml" || extension == ".yml")) {
      files.push_back(path);
    } else if (!hidden && (lower_case(extension) == ".yaml" || lower_case(extension) == ".yml")) {
      diagnostics.push_back(about(path, Severity::warning, "not-read",
                                  "was not read: its name does not end in .yaml or .yml",
                                  "write the ending in lower case"));
    }
    entry.increment(error);
  }
  if (error) {
    diagnostics.push_back(about(directory, Severity::error, "unreadable",
                                "the policy folder cannot be read: " + error.message(),
                                "check 'policies' in rekeyd.yaml"));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Loaded<PolicySet> parse_policies(std::string const& text, std::string const& name) {
  PolicyText const file{name, name, text};
  return load_texts({&file, 1}, {});
}

Loaded<PolicySet> load_policy_files(std::vector<fs::path> const& files) {
  std::vector<Diagnostic> diagnostics;
  std::vector<PolicyText> texts;
  for (fs::path const& path : files) {
    auto text = read_file_text(path);
    if (text) {
      texts.push_back({path.filename().string(), path.string(), std::move(*text)});
    } else {
      diagnostics.push_back(
          about(path, Severity::error, text.error().rule, text.error().message, text.error().hint));
    }
  }
  return load_texts(texts, std::move(diagnostics));
}

Loaded<PolicySet> load_policies(fs::path const& directory) {
  std::vector<Diagnostic> diagnostics;
  auto const files = policy_files(directory, diagnostics);
  if (has_errors(diagnostics)) return {std::nullopt, std::move(diagnostics)};
  if (files.empty()) {
    diagnostics.push_back(about(directory, Severity::warning, "no-policies",
                                "the policy folder holds no *.yaml file: no key will be rotated"));
  }
  auto loaded = load_policy_files(files);
  std::ranges::move(loaded.diagnostics, std::back_inserter(diagnostics));
  return {std::move(loaded.value), std::move(diagnostics)};
}

}  // namespace rekeyd::config

#include "config/file_text.hpp"
#include "config/load.hpp"
#include "config/settings_reader.hpp"

#include <cstdlib>
#include <system_error>

namespace rekeyd::config {

namespace fs = std::filesystem;

Environment process_environment() {
  return [](std::string const& name) -> std::optional<std::string> {
    // Read at start and at a reload, on the one thread that there is; nothing of ours calls setenv.
    char const* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Loaded<Settings> parse_settings(std::string const& text, std::string const& name, fs::path const& folder,
                                Environment const& environment) {
  Findings findings(name);
  std::optional<Settings> settings;
  try {
    if (auto const root = parse_yaml(text, findings)) {
      settings = read_settings(*root, folder, environment, findings);
      settings->file = name;
    }
  } catch (TooManyFindings const&) {  // NOLINT(bugprone-empty-catch): it is among the findings.
  }
  if (findings.has_errors()) settings.reset();
  return {std::move(settings), findings.take()};
}

Loaded<Settings> load_settings(fs::path const& file, Environment const& environment) {
  auto const text = read_file_text(file);
  if (!text) {
    Diagnostic diagnostic{Severity::error,      {file.string(), 0, 0}, text.error().rule,
                          text.error().message, text.error().hint,     {}};
    return {std::nullopt, {std::move(diagnostic)}};
  }
  std::error_code error;
  fs::path const whole = fs::absolute(file, error);
  return parse_settings(*text, file.string(), error ? file.parent_path() : whole.parent_path(), environment);
}

}  // namespace rekeyd::config

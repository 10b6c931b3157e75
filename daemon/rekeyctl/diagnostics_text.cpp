#include "daemon/rekeyctl/diagnostics_text.hpp"

#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::rekeyctl {

namespace json = boost::json;
using config::Diagnostic;
using config::Severity;

namespace {

json::object write_place(SourcePlace const& place) {
  json::object object{{"file", place.file}, {"line", nullptr}, {"column", nullptr}};
  if (place.line > 0) {
    object["line"] = place.line;
    object["column"] = place.column;
  }
  return object;
}

json::object write_diagnostic(Diagnostic const& d) {
  json::object object = write_place(d.place);
  object["severity"] = d.severity == Severity::error ? "error" : "warning";
  object["rule"] = d.rule;
  object["message"] = d.message;
  object["hint"] = d.hint;
  json::array related;
  for (SourcePlace const& place : d.related) related.push_back(write_place(place));
  object["related"] = std::move(related);
  return object;
}

}  // namespace

std::size_t count(std::vector<Diagnostic> const& diagnostics, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(diagnostics, severity, &Diagnostic::severity));
}

bool any_unreadable(std::vector<Diagnostic> const& diagnostics) {
  return std::ranges::find(diagnostics, "unreadable", &Diagnostic::rule) != diagnostics.end();
}

std::string diagnostics_json(std::vector<Diagnostic> const& diagnostics) {
  json::array all;
  for (Diagnostic const& each : diagnostics) all.push_back(write_diagnostic(each));
  return json::serialize(json::object{{"schema", "rekeyd.check/1"},
                                      {"errors", count(diagnostics, Severity::error)},
                                      {"warnings", count(diagnostics, Severity::warning)},
                                      {"findings", std::move(all)}});
}

std::string diagnostics_table(std::vector<Diagnostic> const& diagnostics, bool colour) {
  std::string text;
  for (Diagnostic const& each : diagnostics) {
    Style const style = each.severity == Severity::error ? Style::bad : Style::caution;
    std::string const line = printable(config::to_text(each));
    std::string const word = each.severity == Severity::error ? ": error: " : ": warning: ";
    auto const at = line.find(word);
    text += at == std::string::npos
                ? line
                : line.substr(0, at + 2) + styled(word.substr(2, word.size() - 3), style, colour) +
                      line.substr(at + word.size() - 1);
    text += "\n";
  }
  return text;
}

std::string diagnostics_counted(std::vector<Diagnostic> const& diagnostics) {
  return counted(count(diagnostics, Severity::error), "error") + ", " +
         counted(count(diagnostics, Severity::warning), "warning");
}

}  // namespace rekeyd::rekeyctl

#include "tests/simulation/summary.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::simulation {

namespace json = boost::json;

std::string to_line(Outcome const& outcome) {
  json::object line{{"seed", outcome.seed},
                    {"key_years", outcome.key_years},
                    {"crashes", outcome.crashes},
                    {"faults", outcome.faults},
                    {"checks", outcome.checks},
                    {"handlers", outcome.handlers},
                    {"events", json::value_from(outcome.last_events)}};
  if (outcome.broken) {
    line["invariant"] = static_cast<int>(outcome.broken->invariant);
    line["sentence"] = outcome.broken->sentence;
  }
  return json::serialize(line);
}

std::optional<Outcome> parse_outcome(std::string_view line) {
  boost::system::error_code error;
  json::value const parsed = json::parse(line, error);
  if (error || !parsed.is_object() || !parsed.get_object().contains("checks")) return std::nullopt;
  json::object const& of = parsed.get_object();
  Outcome outcome;
  outcome.seed = of.at("seed").to_number<std::uint64_t>();
  outcome.key_years = of.at("key_years").to_number<double>();
  outcome.crashes = of.at("crashes").to_number<std::uint64_t>();
  outcome.faults = of.at("faults").to_number<std::uint64_t>();
  outcome.checks = of.at("checks").to_number<std::uint64_t>();
  outcome.handlers = of.at("handlers").to_number<std::uint64_t>();
  outcome.last_events = json::value_to<std::vector<std::string>>(of.at("events"));
  if (auto const* invariant = of.if_contains("invariant")) {
    outcome.broken = {static_cast<Invariant>(invariant->to_number<int>()),
                      std::string(of.at("sentence").as_string())};
  }
  return outcome;
}

std::string describe(Outcome const& outcome, std::string const& command) {
  std::string text = fmt::format("\nseed {} is broken\n  invariant {}: {}\n  {}\n  the last events:\n",
                                 outcome.seed, static_cast<int>(outcome.broken->invariant),
                                 to_text(outcome.broken->invariant), outcome.broken->sentence);
  for (std::string const& event : outcome.last_events) text += "    " + event + "\n";
  return text + "  to live it again: " + command + "\n";
}

void Summary::add(Outcome const& outcome) {
  ++seeds_;
  crashes_ += outcome.crashes;
  faults_ += outcome.faults;
  checks_ += outcome.checks;
  key_years_ += outcome.key_years;
  if (outcome.broken) ++broken_;
}

std::string Summary::line(std::chrono::seconds took) const {
  return fmt::format(
      "simulation: {} seeds, {:.0f} key-years, {} crashes, {} faults, {} invariant checks, {} broken, {} s",
      seeds_, key_years_, crashes_, faults_, checks_, broken_, took.count());
}

}  // namespace rekeyd::simulation

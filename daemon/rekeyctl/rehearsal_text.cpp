#include "daemon/rekeyctl/rehearsal_text.hpp"

#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace rekeyd::rekeyctl {

namespace json = boost::json;

namespace {

std::string text(json::object const& of, char const* name) {
  json::value const& value = of.at(name);
  return value.is_string() ? std::string(value.as_string()) : "-";
}

std::uint64_t number(json::object const& of, char const* name) {
  return of.at(name).to_number<std::uint64_t>();
}

std::string digits(json::object const& of, char const* name) { return std::to_string(number(of, name)); }

std::string span_text(std::int64_t seconds) {
  constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
  if (seconds < 2 * minute) return fmt::format("{} s", seconds);
  if (seconds < 2 * hour) return fmt::format("{} min", seconds / minute);
  if (seconds < 2 * day) return fmt::format("{} h", seconds / hour);
  return fmt::format("{} days", seconds / day);
}

std::string span(json::object const& of, char const* name) {
  json::value const& value = of.at(name);
  return value.is_null() ? "-" : span_text(value.to_number<std::int64_t>());
}

/// `rows`: what a list of the document is called; nothing is shown of an empty one.
template <class Row>
void add_table(std::string& all, json::object const& of, char const* rows, char const* title, Table table,
               bool colour, Row const& row) {
  json::array const& list = of.at(rows).as_array();
  if (list.empty()) return;
  for (json::value const& entry : list) table.add(row(entry.as_object()));
  all += "\n" + styled(title, Style::heading, colour) + "\n" + table.text(colour);
}

Column right(char const* heading) { return {heading, Column::Align::right}; }

Cell result_cell(json::object const& rotation) {
  std::string const state = text(rotation, "state");
  if (state == "done") return {state, Style::good};
  if (state == "blocked") return {state + " at " + text(rotation, "step"), Style::bad};
  return {state + " at " + text(rotation, "step"), Style::caution};
}

/// Of a rotation that followed somebody else's, the date counts from the version that is there already.
std::string due(json::object const& rotation) {
  return text(rotation, "trigger") == "cryptoperiod" ? text(rotation, "due") : "-";
}

void add_calendar(std::string& all, json::object const& of, bool colour) {
  Table table({{"BEGAN"},
               {"DUE"},
               {"KEY"},
               {"NAME"},
               {"POLICY"},
               {"TRIGGER"},
               right("TOOK"),
               right("WDEKS"),
               {"RESULT"}});
  add_table(all, of, "rotations", "CALENDAR", std::move(table), colour, [](json::object const& rotation) {
    return std::vector<Cell>{text(rotation, "began"),   due(rotation),
                             text(rotation, "key"),     text(rotation, "name"),
                             text(rotation, "policy"),  text(rotation, "trigger"),
                             span(rotation, "seconds"), digits(rotation, "wdeks"),
                             result_cell(rotation)};
  });
}

void add_figures(std::string& all, json::object const& of, bool colour) {
  add_table(all, of, "by_month", "BY MONTH", Table({{"MONTH"}, right("ROTATIONS")}), colour,
            [](json::object const& month) {
              return std::vector<Cell>{text(month, "month"), digits(month, "rotations")};
            });
  Table providers({{"PROVIDER"},
                   {"KIND"},
                   right("KEYS"),
                   right("CALLS"),
                   right("RETRIES"),
                   right("THROTTLED"),
                   right("FAILED")});
  add_table(all, of, "providers", "BY PROVIDER", std::move(providers), colour,
            [](json::object const& provider) {
              return std::vector<Cell>{text(provider, "name"),      text(provider, "kind"),
                                       digits(provider, "keys"),    digits(provider, "calls"),
                                       digits(provider, "retries"), digits(provider, "throttled"),
                                       digits(provider, "failed")};
            });
}

void add_waits(std::string& all, json::object const& of, bool colour) {
  Table waits({{"FIRST"}, {"LAST"}, right("KEYS"), right("LONGEST"), {"FOR"}, {"WHY"}});
  add_table(all, of, "waits", "WHAT WAITED", std::move(waits), colour, [](json::object const& wait) {
    return std::vector<Cell>{text(wait, "first"),           text(wait, "last"),      digits(wait, "keys"),
                             span(wait, "longest_seconds"), text(wait, "waits_for"), text(wait, "sentence")};
  });
  Table holds({{"PLACED"}, {"RELEASED"}, {"BY"}, {"HOLD"}, {"WHY"}});
  add_table(all, of, "holds", "HOLDS", std::move(holds), colour, [](json::object const& hold) {
    return std::vector<Cell>{text(hold, "placed"), text(hold, "released"), text(hold, "released_by"),
                             Cell(text(hold, "name"), Style::caution), text(hold, "sentence")};
  });
}

void add_troubles(std::string& all, json::object const& of, bool colour) {
  Table troubles({{"WHAT"}, {"SINCE"}, {"SUBJECT"}, {"NAME"}, {"WHY"}});
  add_table(
      all, of, "troubles", "WHAT WENT WRONG", std::move(troubles), colour, [](json::object const& trouble) {
        json::value const& remedy = trouble.at("remedy");
        std::string const why =
            with_remedy(text(trouble, "sentence"), remedy.is_string() ? std::string(remedy.as_string()) : "");
        Style const style = trouble.at("ends_badly").as_bool() ? Style::bad : Style::caution;
        return std::vector<Cell>{Cell(text(trouble, "kind"), style), text(trouble, "at"),
                                 text(trouble, "subject"), text(trouble, "name"), why};
      });
}

}  // namespace

bool ended_badly(json::object const& rehearsal) {
  json::object const& summary = rehearsal.at("summary").as_object();
  return number(summary, "blocked") + number(summary, "overdue") > 0;
}

std::string rehearsal_table(json::object const& rehearsal, bool colour) {
  std::string all = fmt::format(
      "Rehearsed: {} and {} from {} to {}, under {}\n"
      "Faults {}, seed {}. No provider was called, and no state was touched.\n",
      counted(number(rehearsal, "keys"), "key"), counted(number(rehearsal, "wdeks"), "wrapped DEK"),
      text(rehearsal, "from"), text(rehearsal, "until"), printable(text(rehearsal, "policies")),
      text(rehearsal, "faults"), number(rehearsal, "seed"));
  add_calendar(all, rehearsal, colour);
  add_figures(all, rehearsal, colour);
  add_waits(all, rehearsal, colour);
  add_troubles(all, rehearsal, colour);
  json::array const& notes = rehearsal.at("notes").as_array();
  if (!notes.empty()) all += "\n";
  for (json::value const& note : notes) all += "note: " + printable(std::string(note.as_string())) + "\n";
  return all;
}

std::string rehearsal_summary(json::object const& rehearsal) {
  json::object const& summary = rehearsal.at("summary").as_object();
  std::string busiest;
  if (summary.at("busiest_day").is_object()) {
    json::object const& day = summary.at("busiest_day").as_object();
    busiest = fmt::format(", at most {} on one day ({})", number(day, "rotations"), text(day, "day"));
  }
  std::string const end = ended_badly(rehearsal) ? fmt::format("ended with {} blocked and {} overdue",
                                                               counted(number(summary, "blocked"), "key"),
                                                               number(summary, "overdue"))
                                                 : "no key ended blocked or overdue";
  return fmt::format("{} in {}{}, {} moved; {}; again: --months {} --from {} --faults {} --seed {}",
                     counted(number(summary, "rotations"), "rotation"),
                     counted(number(rehearsal, "months"), "month"), busiest,
                     counted(number(summary, "wdeks_moved"), "wrapped DEK"), end, number(rehearsal, "months"),
                     text(rehearsal, "from"), text(rehearsal, "faults"), number(rehearsal, "seed"));
}

}  // namespace rekeyd::rekeyctl

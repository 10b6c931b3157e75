#include "tests/simulation/scenario.hpp"

#include "tests/simulator/section.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace rekeyd::simulation {

namespace {

using sim::Section;

constexpr long often = 100'000;

std::uint64_t a_year(Section& section, char const* name) {
  return static_cast<std::uint64_t>(section.number(name, 0, often, 0));
}

std::chrono::seconds seconds(Section& section, char const* name) {
  constexpr long year = 366L * 86400;
  return std::chrono::seconds(section.number(name, 0, year, 0));
}

void read_network(Section& top, NetworkChances& network) {
  auto section = top.section("network");
  if (!section) return;
  network.unreachable = section->fraction("unreachable", 0);
  network.lost = section->fraction("lost", 0);
  network.reply_lost = section->fraction("reply_lost", 0);
  network.late = section->fraction("late", 0);
  network.late_max = seconds(*section, "late_max_s");
  network.outages_a_year = a_year(*section, "outages_a_year");
  network.outage_max = seconds(*section, "outage_max_s");
  section->finish();
}

void read_fate(Section& top, FateChances& fate) {
  auto section = top.section("fate");
  if (!section) return;
  fate.crash_at_work = section->fraction("crash_at_work", 0);
  fate.crashes_a_year = a_year(*section, "crashes_a_year");
  fate.stops_a_year = a_year(*section, "stops_a_year");
  fate.disk_dies = section->fraction("disk_dies", 0);
  fate.full_disks_a_year = a_year(*section, "full_disks_a_year");
  fate.freezes_a_year = a_year(*section, "freezes_a_year");
  fate.clock_steps_a_year = a_year(*section, "clock_steps_a_year");
  fate.clock_step_max = seconds(*section, "clock_step_max_s");
  fate.clock_jumps_a_year = a_year(*section, "clock_jumps_a_year");
  fate.clock_jump_max = seconds(*section, "clock_jump_max_s");
  fate.down_max = seconds(*section, "down_max_s");
  section->finish();
}

void read_people(Section& top, PeopleChances& people) {
  auto section = top.section("people");
  if (!section) return;
  people.policy_edits_a_year = a_year(*section, "policy_edits_a_year");
  people.rotations_a_year = a_year(*section, "rotations_a_year");
  people.disablings_a_year = a_year(*section, "disablings_a_year");
  people.deletions_a_year = a_year(*section, "deletions_a_year");
  people.machine_acts_a_year = a_year(*section, "machine_acts_a_year");
  people.registrations_a_year = a_year(*section, "registrations_a_year");
  people.taggings_a_year = a_year(*section, "taggings_a_year");
  people.replacements_a_year = a_year(*section, "replacements_a_year");
  section->finish();
}

void read_policies(Section& top, Scenario& scenario) {
  YAML::Node const list = top.node("policies");
  if (!list.IsSequence() || list.size() == 0) {
    top.mistake("policies", "a list of policy files was expected");
    return;
  }
  for (YAML::Node const& file : list) scenario.policies.push_back(YAML::Dump(file) + "\n");
}

Instant read_moment(Section& section, char const* name) {
  auto const moment = parse_rfc3339(section.text(name));
  if (!moment) section.mistake(name, "an RFC 3339 moment was expected");
  return moment.value_or(Instant{});
}

void read_closed(Section& top, Scenario& scenario) {
  for (Section& section : top.sections("closed")) {
    ClosedTime closed{section.text("key"), read_moment(section, "from"), read_moment(section, "to")};
    if (closed.to <= closed.from) section.mistake("to", "a moment after `from` was expected");
    scenario.closed.push_back(std::move(closed));
    section.finish();
  }
}

Scenario read(YAML::Node const& document, sim::Mistakes& mistakes) {
  Scenario scenario;
  Section top(document, "", mistakes);
  top.word("version", {"1"});
  scenario.begin = read_moment(top, "begin");
  scenario.clouds = YAML::Dump(top.node("clouds")) + "\n";
  scenario.settings = YAML::Dump(top.node("settings")) + "\n";
  scenario.credentials = top.text_map("credentials");
  scenario.material = top.text_map("material");
  read_policies(top, scenario);
  if (top.has("faults")) scenario.faults = sim::read_faults(top.node("faults"), mistakes);
  read_network(top, scenario.network);
  read_fate(top, scenario.fate);
  read_people(top, scenario.people);
  read_closed(top, scenario);
  top.finish();
  return scenario;
}

}  // namespace

std::expected<Scenario, std::vector<sim::Mistake>> load_scenario(std::filesystem::path const& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    return std::unexpected(std::vector{sim::Mistake{0, 0, "", std::generic_category().message(errno)}});
  sim::Mistakes mistakes;
  try {
    Scenario scenario = read(YAML::Load(text.str()), mistakes);
    scenario.name = file.stem().string();
    if (mistakes.empty()) return scenario;
  } catch (YAML::Exception const& error) {
    mistakes.add(sim::mistake_at(error.mark, "YAML", error.msg));
  }
  return std::unexpected(mistakes.list());
}

}  // namespace rekeyd::simulation

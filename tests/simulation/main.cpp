#include "tests/simulation/defect.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/summary.hpp"
#include "tests/simulation/workers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <stdlib.h>

/// rekeyd-simulate: docs/simulation.md.
namespace {

namespace fs = std::filesystem;
namespace sml = rekeyd::simulation;

struct Options {
  std::uint64_t seeds{100};
  std::optional<std::uint64_t> base;
  std::optional<std::uint64_t> seed;
  unsigned months{12};
  std::string world{"mixed"};
  fs::path worlds{REKEYD_SOURCE_DIR "/tests/simulation/worlds"};
  fs::path trace;
  std::string defect;
  bool until_found{false};
  std::optional<unsigned> budget;
  unsigned processes{std::max(1U, std::thread::hardware_concurrency())};
};

#ifdef REKEYD_DEFECTIVE
constexpr bool defective = true;
#else
constexpr bool defective = false;
#endif

/// Empty: it is one, and this program can make it.
std::string is_a_defect(std::string const& name) {
  if (!defective) return "this program has no defects in it; rekeyd-simulate-defective has";
  bool const known =
      std::ranges::any_of(sml::deliberate_defects(), [&](auto const& defect) { return name == defect.name; });
  return known ? "" : "there is no defect " + name;
}

std::string list_of_defects() {
  std::string list = "Defects:\n";
  for (sml::DeliberateDefect const& defect : sml::deliberate_defects())
    list += fmt::format("  {}\n      {}\n", defect.name, defect.what);
  return list;
}

void describe(CLI::App& app, Options& options) {
  app.footer(list_of_defects());
  app.add_option("--seeds", options.seeds, "How many lives")->check(CLI::Range(1, 100'000'000));
  app.add_option("--base", options.base, "The first seed; drawn by chance if not given, and always printed");
  app.add_option("--seed", options.seed, "One life only: this one");
  app.add_option("--months", options.months, "How long each life is")->check(CLI::Range(1, 240));
  app.add_option("--world", options.world, "A world of tests/simulation/worlds");
  app.add_option("--worlds", options.worlds, "Another folder of worlds");
  app.add_option("--trace", options.trace, "Write every event of --seed into this file");
  app.add_option("--defect", options.defect, "Make a mistake on purpose: one of those below")
      ->check(is_a_defect);
  app.add_flag("--until-found", options.until_found,
               "End well at the first seed that --defect breaks and that holds without it")
      ->needs("--defect");
  app.add_option("--budget", options.budget,
                 "No life begins after so many seconds; the last line says how many did")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--processes", options.processes, "So many at the same time")->check(CLI::Range(1, 1024));
}

/// Memory is a better disk for what is thrown away in a moment.
void use_memory_for_temporary_files() {
  if (::getenv("TMPDIR") == nullptr && fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
}

sml::Scenario scenario_of(Options const& options) {
  fs::path const file = options.worlds / (options.world + ".yaml");
  auto scenario = sml::load_scenario(file);
  if (scenario) return *std::move(scenario);
  for (auto const& mistake : scenario.error())
    fmt::print(stderr, "{}\n", rekeyd::sim::to_text(file.string(), mistake));
  throw std::runtime_error("the world file is no good");
}

std::string command_of(Options const& options, std::uint64_t seed) {
  std::string const defect = options.defect.empty() ? "" : " --defect " + options.defect;
  return fmt::format("./scripts/simulate --world {} --months {} --seed {}{}", options.world, options.months,
                     seed, defect);
}

void write_trace(Options const& options, std::string const& trace) {
  if (options.trace.empty()) return;
  std::ofstream out(options.trace, std::ios::trunc);
  out << trace;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + options.trace.string());
}

/// Looks for a life that the defect breaks, and that the daemon as it is lives well.
int until_found(Options const& options, sml::Scenario const& scenario, sml::RunOptions run) {
  std::uint64_t const base = options.base.value_or(1);
  for (run.seed = base; run.seed < base + options.seeds; ++run.seed) {
    sml::make_defect(options.defect);
    sml::Outcome const with = live_through(scenario, run);
    if (!with.broken) continue;
    sml::make_defect("");
    sml::Outcome const without = live_through(scenario, run);
    std::string const command = command_of(options, run.seed);
    if (without.broken) {
      fmt::print("{}defect {}: this seed breaks without it, too\n", describe(without, command),
                 options.defect);
      return 1;
    }
    fmt::print("{}defect {}: found at seed {}, the {} of at most {}\n", describe(with, command),
               options.defect, run.seed, run.seed - base + 1, options.seeds);
    return 0;
  }
  fmt::print("defect {}: not found in {} seeds\n", options.defect, options.seeds);
  return 1;
}

int simulate(Options const& options) {
  auto const began = std::chrono::steady_clock::now();
  sml::Scenario const scenario = scenario_of(options);
  // Made once, for all worlds of this run, and the same in every run.
  constexpr std::size_t rsa_keys = 6;
  rekeyd::sim::Randomness chance(1);
  rekeyd::sim::RsaPool pool(rsa_keys, chance);
  pool.fill(2048);
  sml::RunOptions run{.months = options.months, .rsa_keys = &pool};

  if (options.until_found) return until_found(options, scenario, run);
  sml::make_defect(options.defect);
  sml::Summary summary;
  auto const heard = [&](sml::Outcome const& outcome) {
    summary.add(outcome);
    if (outcome.broken) fmt::print("{}", describe(outcome, command_of(options, outcome.seed)));
  };
  if (options.seed) {
    run.seed = *options.seed;
    run.whole_trace = !options.trace.empty();
    sml::Outcome const outcome = live_through(scenario, run);
    write_trace(options, outcome.trace);
    heard(outcome);
  } else {
    std::uint64_t const base = options.base ? *options.base : std::random_device{}();
    fmt::print("world {}, {} months, seeds {} to {}\n", options.world, options.months, base,
               base + options.seeds - 1);
    auto const live = [&](std::uint64_t seed) {
      run.seed = seed;
      return live_through(scenario, run);
    };
    auto const until = options.budget ? began + std::chrono::seconds(*options.budget)
                                      : std::chrono::steady_clock::time_point::max();
    sml::live_in_processes(base, options.seeds, options.processes, live, heard, until);
  }
  auto const took = std::chrono::round<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  fmt::print("{}\n", summary.line(took));
  return summary.broken() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The whole daemon in one process, years in seconds, everything drawn from one seed."};
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  try {
    use_memory_for_temporary_files();
    return simulate(options);
  } catch (std::exception const& error) {
    fmt::print(stderr, "rekeyd-simulate: {}\n", error.what());
    return 2;
  }
}

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
  std::string defect{"none"};
  unsigned processes{std::max(1U, std::thread::hardware_concurrency())};
};

void describe(CLI::App& app, Options& options) {
  app.add_option("--seeds", options.seeds, "How many lives")->check(CLI::Range(1, 100'000'000));
  app.add_option("--base", options.base, "The first seed; drawn by chance if not given, and always printed");
  app.add_option("--seed", options.seed, "One life only: this one");
  app.add_option("--months", options.months, "How long each life is")->check(CLI::Range(1, 240));
  app.add_option("--world", options.world, "A world of tests/simulation/worlds");
  app.add_option("--worlds", options.worlds, "Another folder of worlds");
  app.add_option("--trace", options.trace, "Write every event of --seed into this file");
  app.add_option("--defect", options.defect, "Make this mistake on purpose")
      ->check(CLI::IsMember(sml::defect_names()));
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
  return fmt::format("./scripts/simulate --world {} --months {} --seed {}", options.world, options.months,
                     seed);
}

void write_trace(Options const& options, std::string const& trace) {
  if (options.trace.empty()) return;
  std::ofstream out(options.trace, std::ios::trunc);
  out << trace;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + options.trace.string());
}

int simulate(Options const& options) {
  auto const began = std::chrono::steady_clock::now();
  sml::Scenario const scenario = scenario_of(options);
  // Made once, for all worlds of this run, and the same in every run.
  constexpr std::size_t rsa_keys = 6;
  rekeyd::sim::Randomness chance(1);
  rekeyd::sim::RsaPool pool(rsa_keys, chance);
  pool.fill(2048);
  sml::RunOptions run{.months = options.months,
                      .defect = sml::parse_defect(options.defect).value_or(sml::Defect::none),
                      .rsa_keys = &pool};

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
    sml::live_in_processes(base, options.seeds, options.processes, live, heard);
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

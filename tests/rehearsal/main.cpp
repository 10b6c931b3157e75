#include "config/load.hpp"
#include "providers/system/system_clock.hpp"
#include "providers/system/system_random.hpp"
#include "tests/rehearsal/rehearse.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include <unistd.h>

/// rekeyd-rehearse: what `rekeyctl rehearse` starts, docs/rehearsing.md. JSON on stdout, words on stderr;
/// exit 0 when the rehearsal came to its end, whatever it found.
namespace {

namespace rh = rekeyd::rehearsal;

struct Options {
  std::string config, database, policies, faults{"none"}, from;
  unsigned months{12};
  std::optional<std::uint64_t> seed;
  bool progress{false};
};

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "rekeyd-rehearse " REKEYD_VERSION);
  app.add_option("--config", options.config, "The daemon's configuration")->required();
  app.add_option("--database", options.database, "Its database, if another than the configuration says");
  app.add_option("--policies", options.policies, "Policy files that are not in force yet");
  app.add_option("--months", options.months)->check(CLI::Range(1, 120))->capture_default_str();
  app.add_option("--faults", options.faults)->check(CLI::IsMember({"none", "usual", "hostile"}));
  app.add_option("--from", options.from, "RFC 3339; now, if not given");
  app.add_option("--seed", options.seed, "Drawn by chance, if not given");
  app.add_flag("--progress", options.progress, "Tell on stderr how far it is");
}

/// Not longer than a person wants to type.
std::uint64_t drawn_seed() {
  constexpr std::uint64_t below = 1'000'000;
  return rekeyd::providers::make_system_random()->below(below);
}

rh::Order order_of(Options const& options, rekeyd::config::Settings settings, rekeyd::Instant now) {
  rh::Order order;
  order.database = options.database.empty() ? settings.database : std::filesystem::path(options.database);
  order.settings = std::move(settings);
  if (!options.policies.empty()) order.policies = options.policies;
  order.months = options.months;
  order.seed = options.seed ? *options.seed : drawn_seed();
  order.faults = rh::parse_faults(options.faults).value_or(rh::Faults::none);
  order.from = options.from.empty() ? now : rekeyd::parse_rfc3339(options.from).value_or(now);
  return order;
}

/// One line that is written over, from when it takes long enough to be wondered at.
class ProgressLine {
 public:
  ProgressLine(rekeyd::providers::Clock const& clock, bool wanted)
      : clock_(clock), next_(clock.mono_now() + std::chrono::seconds(1)), wanted_(wanted) {}
  ~ProgressLine() {
    if (told_) fmt::print(stderr, "\r\x1b[K");
  }
  ProgressLine(ProgressLine const&) = delete;
  ProgressLine& operator=(ProgressLine const&) = delete;

  void tell(rekeyd::Instant reached, std::size_t rotations) {
    if (!wanted_ || clock_.mono_now() < next_) return;
    next_ = clock_.mono_now() + std::chrono::milliseconds(250);
    constexpr std::size_t day = 10;
    fmt::print(stderr, "\rrehearsing: {}, {} rotations\x1b[K", rekeyd::to_rfc3339(reached).substr(0, day),
               rotations);
    told_ = true;
  }

 private:
  rekeyd::providers::Clock const& clock_;
  rekeyd::providers::Clock::Mono next_;
  bool wanted_;
  bool told_{false};
};

int fail(std::string const& words) {
  fmt::print(stderr, "rekeyctl: {}\n", words);
  return 1;
}

int run(Options const& options) {
  auto loaded = rekeyd::config::load_settings(options.config, rekeyd::config::process_environment());
  if (!loaded.value) {
    auto const mistake = std::ranges::find(loaded.diagnostics, rekeyd::config::Severity::error,
                                           &rekeyd::config::Diagnostic::severity);
    return fail(rekeyd::config::to_text(*mistake));
  }
  auto const clock = rekeyd::providers::make_system_clock();
  rekeyd::Result<std::string> told;
  {
    ProgressLine line(*clock, options.progress);
    told = rh::rehearse(
        order_of(options, *std::move(loaded.value), clock->wall_now()),
        [&line](rekeyd::Instant reached, std::size_t rotations) { line.tell(reached, rotations); });
  }
  if (!told) return fail(rekeyd::to_text(told.error()));
  fmt::print("{}\n", *told);
  return std::fflush(stdout) == 0 ? 0 : fail("cannot write to standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Lets the real daemon live through months against a model of its own inventory."};
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  try {
    return run(options);
  } catch (std::exception const& problem) {
    return fail(problem.what());
  }
}

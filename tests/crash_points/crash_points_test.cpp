#include "tests/crash_points/rotation_run.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace rekeyd::crash_points {
namespace {

/// An enumeration that has become shorter than this has lost boundaries.
constexpr std::size_t changes_min = 90;
constexpr std::size_t locks_min = 90;
constexpr std::size_t requests_min = 10;
constexpr std::uint64_t runs_min = 450;

/// The sanitizers look at what each kind of boundary runs, for which a part of them is enough: they take
/// three times as long.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t every_nth_point = 7;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t every_nth_point = 7;
#else
constexpr std::size_t every_nth_point = 1;
#endif
#else
constexpr std::size_t every_nth_point = 1;
#endif

/// Made once: a world of its own RSA keys would take seconds.
sim::RsaPool const& rsa_keys() {
  static sim::Randomness chance(1);
  static sim::RsaPool const pool = [] {
    sim::RsaPool made(4, chance);
    made.fill(2048);
    return made;
  }();
  return pool;
}

std::string words(std::vector<Death> const& deaths, std::vector<std::vector<Point>> const& lives) {
  std::string all;
  for (std::size_t i = 0; i < deaths.size(); ++i) {
    Point const point =
        i < lives.size() && deaths[i].point < lives[i].size() ? lives[i][deaths[i].point] : Point::lock;
    all += fmt::format("life {} dies at point {}, {}, by loss of {}{}; ", i + 1, deaths[i].point,
                       to_text(point), deaths[i].power ? "power" : "the process",
                       deaths[i].late ? ", and the request is late" : "");
  }
  return all;
}

/// Every way to die at a point. A lock goes with its process whatever ends that; what is not synced may stay
/// or go.
std::vector<Death> deaths_at(std::size_t number, Point point) {
  std::vector<Death> deaths{{.point = number}};
  if (point != Point::lock) deaths.push_back({.point = number, .power = true});
  if (point == Point::under_way) deaths.push_back({.point = number, .late = true});
  return deaths;
}

class Enumeration {
 public:
  Enumeration(RotationCase the_case, Past past)
      : case_(std::move(the_case)), past_(std::move(past)), undisturbed_(run({})) {
    REQUIRE_THAT(undisturbed_.broken, Catch::Equals(""));
    REQUIRE(undisturbed_.lives.size() == 1);
  }

  void every_point(std::size_t step) {
    step *= every_nth_point;
    std::vector<Point> const& points = undisturbed_.lives.front();
    for (std::size_t i = 0; i < points.size(); i += step) {
      for (Death const& death : deaths_at(i, points[i])) {
        RunResult const once = same_end({death});
        twice(death, once.lives.back());
      }
    }
    tell();
    CHECK(number_of(Point::change) >= changes_min);
    CHECK(number_of(Point::lock) >= locks_min);
    CHECK(number_of(Point::send) >= requests_min);
    CHECK(number_of(Point::effect) == number_of(Point::send));
    CHECK(runs_ >= runs_min / step);
    CHECK(second_deaths_ > 0);
  }

  /// Is there a loss of power after which the end is another one?
  bool finds_something() {
    std::vector<Point> const& points = undisturbed_.lives.front();
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i] != Point::change) continue;
      RunResult const result = run({{.point = i, .power = true}});
      if (!result.broken.empty() || result.end != undisturbed_.end) return true;
    }
    return false;
  }

 private:
  RunResult run(std::vector<Death> const& deaths) {
    ++runs_;
    return run(deaths, runs_);
  }
  RunResult run(std::vector<Death> const& deaths, std::uint64_t seed) {
    return run_rotation(case_, past_, deaths, seed, rsa_keys());
  }

  RunResult same_end(std::vector<Death> const& deaths) { return same_end(deaths, run(deaths)); }
  RunResult same_end(std::vector<Death> const& deaths, RunResult result) {
    INFO(case_.name << ": " << words(deaths, result.lives));
    CHECK_THAT(result.broken, Catch::Equals(""));
    CHECK(result.end == undisturbed_.end);
    return result;
  }

  /// Now and then the recovery dies, too, each time further on in it.
  void twice(Death const& first, std::vector<Point> const& recovery) {
    if (runs_ % every_k_runs != 0 || recovery.empty()) return;
    std::size_t const at = second_deaths_++ * stride % recovery.size();
    // The same chance as in the first death's run: what a loss of power left must be what was recovered from.
    std::uint64_t const seed = runs_++;
    std::vector<Death> const deaths{first, deaths_at(at, recovery[at]).back()};
    (void)same_end(deaths, run(deaths, seed));
  }

  std::size_t number_of(Point point) const {
    return static_cast<std::size_t>(std::ranges::count(undisturbed_.lives.front(), point));
  }

  void tell() const {
    fmt::print(
        "crash points of {}: {} boundaries ({} changes of files, {} locks, {} requests), {} runs, {} of them "
        "with a second crash\n",
        case_.name, undisturbed_.lives.front().size(), number_of(Point::change), number_of(Point::lock),
        number_of(Point::send), runs_, second_deaths_);
    std::fflush(stdout);
  }

  static constexpr std::uint64_t every_k_runs = 5;
  static constexpr std::size_t stride =
      37;  ///< Shares no factor with most lengths, so that all of a recovery is met.

  RotationCase case_;
  Past past_;
  std::uint64_t runs_{0};
  std::size_t second_deaths_{0};
  RunResult undisturbed_;
};

/// Every `step`-th, where another case dies at all points of the same code.
void every_point(KeyKind kind, Deks deks, std::size_t step = 1) {
  RotationCase const the_case = rotation_case(kind, deks);
  Enumeration(the_case, watched_before(the_case, rsa_keys())).every_point(step);
}

TEST_CASE("a first start and its rotation survive a crash at every boundary") {
  Enumeration(rotation_case(KeyKind::key_protect, Deks::wrapped_by_service), Past()).every_point(1);
}

TEST_CASE("a rotation at Key Vault survives a crash at every boundary") {
  every_point(KeyKind::key_vault, Deks::none);
}
TEST_CASE("a rotation at Key Vault with wrapped DEKs survives a crash at every boundary") {
  every_point(KeyKind::key_vault, Deks::wrapped_locally);
}
TEST_CASE("a rotation at Key Vault with DEKs that the service wraps survives a crash at every boundary") {
  every_point(KeyKind::key_vault, Deks::wrapped_by_service);
}
TEST_CASE("a rotation under confidential machines survives a crash at every boundary") {
  every_point(KeyKind::confidential_machines, Deks::none);
}
TEST_CASE("a rotation under SQL servers and a storage account survives a crash at every boundary") {
  every_point(KeyKind::sql_and_storage, Deks::none);
}
TEST_CASE("a replacement by a key that is made for it survives a crash at every boundary") {
  every_point(KeyKind::key_vault_replaced, Deks::wrapped_by_service);
}
TEST_CASE("a replacement at Key Protect by a key that is made for it survives a crash at every boundary") {
  every_point(KeyKind::key_protect_replaced, Deks::wrapped_by_service);
}
TEST_CASE("a replacement under confidential machines survives a crash at every third boundary") {
  every_point(KeyKind::machines_on_another_key, Deks::none, 3);
}
TEST_CASE("a rotation at Managed HSM survives a crash at every boundary") {
  every_point(KeyKind::managed_hsm, Deks::none);
}
TEST_CASE("a rotation at Managed HSM with wrapped DEKs survives a crash at every boundary") {
  every_point(KeyKind::managed_hsm, Deks::wrapped_by_service);
}
TEST_CASE("a rotation at Key Protect survives a crash at every boundary") {
  every_point(KeyKind::key_protect, Deks::none);
}
TEST_CASE("a rotation at Key Protect with wrapped DEKs survives a crash at every boundary") {
  every_point(KeyKind::key_protect, Deks::wrapped_by_service);
}
TEST_CASE("a person's rotation of an imported key is followed across a crash at every boundary") {
  every_point(KeyKind::key_protect_imported, Deks::none);
}
TEST_CASE("wrapped DEKs follow a person's rotation of an imported key across a crash at every boundary") {
  every_point(KeyKind::key_protect_imported, Deks::wrapped_by_service);
}
TEST_CASE("a rotation at Key Protect with random material survives a crash at every boundary") {
  every_point(KeyKind::key_protect_with_material, Deks::none);
}
TEST_CASE("a rotation at Key Protect with random material and DEKs survives a crash at every boundary") {
  every_point(KeyKind::key_protect_with_material, Deks::wrapped_by_service);
}
TEST_CASE("a rotation at Key Protect with an import token survives a crash at every boundary") {
  every_point(KeyKind::key_protect_with_token, Deks::wrapped_by_service);
}
// With DEKs alone: proving an RSA key takes each life a tenth of a second.
TEST_CASE("a rotation at Key Vault with material from a file and DEKs survives a crash at every boundary") {
  every_point(KeyKind::key_vault_with_material, Deks::wrapped_locally);
}
TEST_CASE("a rotation at Key Protect Dedicated survives a crash at every boundary") {
  every_point(KeyKind::key_protect_dedicated, Deks::none);
}
TEST_CASE("a rotation at Key Protect Dedicated with wrapped DEKs survives a crash at every boundary") {
  every_point(KeyKind::key_protect_dedicated, Deks::wrapped_by_service);
}
TEST_CASE("a rotation at HPCS survives a crash at every boundary") { every_point(KeyKind::hpcs, Deks::none); }
TEST_CASE("a rotation at HPCS with wrapped DEKs survives a crash at every boundary") {
  every_point(KeyKind::hpcs, Deks::wrapped_by_service);
}

TEST_CASE("the enumeration finds a database whose commits are not brought to the disk") {
  RotationCase the_case = rotation_case(KeyKind::key_protect, Deks::none);
  the_case.on_disk = [](simulation::SimulatedDisk& disk) { disk.lies_about_sync(true); };
  CHECK(Enumeration(the_case, watched_before(the_case, rsa_keys())).finds_something());
}
TEST_CASE("the enumeration finds envelopes that are renamed before their content is on the disk") {
  RotationCase the_case = rotation_case(KeyKind::key_protect, Deks::wrapped_by_service);
  the_case.on_disk = [](simulation::SimulatedDisk& disk) { disk.leaves_out_fsync(true); };
  CHECK(Enumeration(the_case, watched_before(the_case, rsa_keys())).finds_something());
}

}  // namespace
}  // namespace rekeyd::crash_points

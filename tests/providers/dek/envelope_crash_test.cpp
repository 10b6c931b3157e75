#include "providers/dek/atomic_replacement.hpp"
#include "providers/dek/envelope.hpp"
#include "providers/dek/envelope_batch.hpp"
#include "providers/dek/envelope_directory.hpp"
#include "tests/providers/dek/envelope_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

std::string const old_text = envelope_text(ledger_key(), "v1", "b2xk");
std::string const new_text = envelope_text(ledger_key(), "v2", "bmV3");

/// Runs `work` in a process of its own; false if it was killed.
bool survives(std::function<void()> const& work) {
  pid_t const child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status);
}

void crash() { ::kill(::getpid(), SIGKILL); }

/// What the next life of the daemon finds.
std::vector<WrappedDek> after_restart(EnvelopeFolder const& folder) {
  auto store = make_envelope_directory(DekStoreName("payments"), folder.path());
  REQUIRE(store.has_value());
  std::vector<WrappedDek> found = walk_all(**store, ledger_key());
  CHECK((*store)->defects().empty());
  for (std::string const& name : folder.files()) CHECK(name.ends_with(".json"));
  return found;
}

}  // namespace

TEST_CASE("a crash between any two stages of a replacement leaves the old or the new file whole") {
  int const stage = GENERATE(0, 1, 2, 3);
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  bool const survived = survives([&] {
    auto const open = open_root(folder.path());
    auto const old = read_file(*open, "a.json", envelope_bytes_max);
    auto file = AtomicReplacement::prepare(*open, "a.json", *old, new_text);
    if (stage == 0) crash();
    if (!file->flush()) return;
    if (stage == 1) crash();
    if (!file->commit()) return;
    if (stage == 2) crash();
    if (!flush_folder(*open)) return;
    if (stage == 3) crash();
  });
  CHECK_FALSE(survived);
  bool const committed = stage >= 2;
  CHECK(folder.files().size() == (committed ? 1U : 2U));
  CHECK(folder.read("a.json") == (committed ? new_text : old_text));
  REQUIRE(after_restart(folder).size() == 1);
  CHECK(folder.files() == std::vector<std::string>{"a.json"});
}

TEST_CASE("a replacement that is given up leaves nothing behind") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  auto const open = open_root(folder.path());
  {
    auto const old = read_file(*open, "a.json", envelope_bytes_max);
    auto file = AtomicReplacement::prepare(*open, "a.json", *old, new_text);
    REQUIRE(file);
    REQUIRE(folder.files().size() == 2);
  }
  CHECK(folder.files() == std::vector<std::string>{"a.json"});
  CHECK(folder.read("a.json") == old_text);
}

TEST_CASE("what an earlier process of the same id left does not stand in the way") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  // A process that has made no file yet would begin its names with these.
  bool const survived = survives([&] {
    for (int i = 0; i < 50; ++i) {
      folder.write(fmt::format(".rekeyd-dek-{:08x}-{:016x}.tmp", ::getpid(), i), "left");
    }
    if (!replace_these(folder, std::array{old_to_new("a.json")}).at(0)) crash();
  });
  CHECK(survived);
  CHECK(folder.read("a.json") == new_text);
}

TEST_CASE("a process that is killed in the middle of its batches loses no DEK") {
  static constexpr int files = 20;
  EnvelopeFolder const folder;
  std::vector<DekReplacement> forth;
  std::vector<DekReplacement> back;
  for (int i = 0; i < files; ++i) {
    std::string const name = fmt::format("{}.json", i);
    folder.write(name, old_text);
    forth.push_back(old_to_new(name));
    back.push_back({.before = forth.back().after, .after = forth.back().before});
  }
  int const batches_before_kill = GENERATE(range(0, 10));
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    for (char tick = 0;; ++tick) {
      // Batches go back and forth, whatever the last one's end: there is always a replacement under way.
      static_cast<void>(replace_these(folder, tick % 2 == 0 ? forth : back));
      if (::write(pipe[1], &tick, 1) != 1) ::_exit(1);
    }
  }
  for (int i = 0; i < batches_before_kill; ++i) {
    char tick = 0;
    REQUIRE(::read(pipe[0], &tick, 1) == 1);
  }
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  ::close(pipe[0]);
  ::close(pipe[1]);
  for (int i = 0; i < files; ++i) {
    std::string const text = folder.read(fmt::format("{}.json", i));
    CHECK((text == old_text || text == new_text));
  }
  CHECK(after_restart(folder).size() == files);
}

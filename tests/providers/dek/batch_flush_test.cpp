#include "providers/dek/batch_flush.hpp"

#include "providers/dek/envelope_batch.hpp"
#include "tests/providers/dek/envelope_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

/// A clock that is read before and after a flush: two seconds apart, and what `meanwhile` does in between.
class SlowClock final : public Clock {
 public:
  explicit SlowClock(std::function<void()> meanwhile = [] {}) : meanwhile_(std::move(meanwhile)) {}

  Instant wall_now() const override { return {}; }
  Mono mono_now() const override {
    if (++readings_ % 2 == 1) meanwhile_();
    return Mono(readings_ * std::chrono::seconds(2));
  }
  boost::asio::awaitable<void> sleep_until(Mono) override { throw std::logic_error("nobody sleeps here"); }
  boost::asio::awaitable<void> sleep_until_or_cancelled(Mono when) override { return sleep_until(when); }

 private:
  std::function<void()> meanwhile_;
  mutable int readings_{0};
};

bool flushed(BatchFlush& flush, Folder const& folder) { return flush.all_of(folder, BatchFlush::files_min); }

}  // namespace

TEST_CASE("a few files, and those of a file system that we do not know, are flushed each by itself") {
  EnvelopeFolder const folder;
  BatchFlush flush;
  CHECK_FALSE(flush.all_of(*open_root(folder.path()), BatchFlush::files_min - 1));
  Result<Folder> const processes = open_root("/proc");
  REQUIRE(processes);
  CHECK_FALSE(is_on_known_file_system(*processes));
  CHECK_FALSE(flushed(flush, *processes));
}

TEST_CASE("a file system whose flush took long is left in peace for a while") {
  EnvelopeFolder const folder;
  Result<Folder> const open = open_root(folder.path());
  REQUIRE(open);
  if (!is_on_known_file_system(*open)) {
    WARN("skipped: temporary files lie on another file system");
    return;
  }
  BatchFlush patient;
  CHECK(flushed(patient, *open));
  CHECK(flushed(patient, *open));
  BatchFlush flush(std::make_unique<SlowClock>());
  CHECK(flushed(flush, *open));
  int rests = 0;
  while (!flushed(flush, *open)) REQUIRE(++rests < 1000);
  CHECK(rests == 50);
}

TEST_CASE("what an application does to its files while new ones are brought to the disk is not lost",
          "[threads]") {
  EnvelopeFolder const folder;
  if (!is_on_known_file_system(*open_root(folder.path()))) {
    WARN("skipped: temporary files lie on another file system");
    return;
  }
  std::string const theirs = envelope_text(ledger_key(), "v1", "b3Vy");  // As long as what was there.
  std::vector<DekReplacement> batch;
  for (std::size_t i = 0; i < BatchFlush::files_min; ++i) {
    batch.push_back(old_to_new(fmt::format("{:02}.json", i)));
    folder.write(batch.back().before.id.str(), envelope_text(ledger_key(), "v1", "b2xk"));
  }
  auto const meanwhile = [&folder, &theirs] {
    // The first may have been changed in the tick it was read in, so it is read again; the others show it.
    for (char const* name : {"00.json", "05.json"}) folder.write(name, theirs);
    folder.write("new", theirs);
    std::filesystem::rename(folder / "new", folder / "06.json");
    std::filesystem::remove(folder / "07.json");
    std::filesystem::create_hard_link(folder / "08.json", folder / "second name");
    std::filesystem::permissions(folder / "09.json", std::filesystem::perms::owner_all);
  };
  BatchFlush flush(std::make_unique<SlowClock>(meanwhile));
  auto const results = replace_envelopes(folder.path(), batch, flush);
  std::map<std::size_t, ErrorClass> const refused{{0, ErrorClass::conflict}, {5, ErrorClass::conflict},
                                                  {6, ErrorClass::conflict}, {7, ErrorClass::not_found},
                                                  {8, ErrorClass::storage},  {9, ErrorClass::conflict}};
  for (std::size_t i = 0; i < batch.size(); ++i) {
    INFO(i);
    auto const why = refused.find(i);
    REQUIRE(results[i].has_value() == (why == refused.end()));
    if (why != refused.end()) CHECK(results[i].error().error_class == why->second);
    if (why == refused.end()) CHECK(folder.read(batch[i].before.id.str()) != theirs);
  }
  for (char const* name : {"00.json", "05.json", "06.json"}) CHECK(folder.read(name) == theirs);
  CHECK(folder.files().size() == batch.size());  // One removed, one with two names; nothing left beside them.
}

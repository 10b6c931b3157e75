// A disk with no room left: what cannot be put on record is not done.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <date/date.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;

/// A file system of 2 MiB at a folder, in a mount namespace that only this process and its children see.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path folder) : folder_(std::move(folder)) {
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(SmallDisk const&) = delete;
  SmallDisk& operator=(SmallDisk const&) = delete;
  explicit operator bool() const { return mounted_; }

  void fill() const {
    int const file = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    std::string const block(4096, 'x');
    while (::write(file, block.data(), block.size()) > 0) continue;
    ::close(file);
  }
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  std::filesystem::path filler() const { return folder_ / "filler"; }
  std::filesystem::path folder_;
  bool mounted_{};
};

// Long enough for a start on a busy machine, short enough to be waited for.
constexpr auto until_due = std::chrono::seconds(15);
// The scheduler rests a minute after the disk refused.
constexpr auto until_it_tries_again = std::chrono::seconds(80);

/// A key of each cloud that becomes due soon. Not every day is there in every month, hence the search.
Organisation::Wanted due_soon() {
  using namespace date;
  auto const due = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + until_due;
  year_month_day const day(floor<days>(due));
  int every = 1;
  while (!(day - months(every)).ok()) ++every;
  auto const made = sys_days(day - months(every)) + (due - floor<days>(due));
  std::string const created = date::format("created: \"%FT%TZ\", deks: 1", made);
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-1, " + created + " }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-1", 101) + ", " + created + " }"};
  wanted.policies =
      rotate_everything(fmt::format("{} month{}\n    spread: 0 seconds", every, every == 1 ? "" : "s"));
  return wanted;
}

}  // namespace

TEST_CASE("on a full disk nothing is rotated and status says why and with room again it goes on") {
  Organisation organisation(due_soon());
  Site& site = organisation.site;
  SmallDisk const disk(site.state());
  if (!disk) {
    WARN("skipped: this needs root and a place that allows mounts");
    return;
  }
  site.start();
  site.await("the keys are known", [&] { return site.ask({"keys"}).at("keys").as_array().size() == 2; });
  disk.fill();
  site.await("status tells of the disk", [&] {
    return boost::json::serialize(site.ask({"status"}).at("warnings")).find("SQLITE_FULL") !=
           std::string::npos;
  });
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains("free space"));
  CHECK(organisation.new_versions().empty());
  CHECK(site.ask({"keys", "--status", "due"}).at("keys").as_array().size() == 2);
  // A person's wish cannot be recorded either.
  Ended const refused = site.rekeyctl({"rotate", "cmk-1", "--reason", "a test"});
  CHECK(refused.exit == 1);
  CHECK_THAT(refused.err, Contains("SQLITE_FULL") && Contains("free space"));
  CHECK(organisation.new_versions().empty());

  disk.make_room();
  site.await_settled(until_it_tries_again);
  CHECK(boost::json::serialize(site.ask({"status"}).at("warnings")) == "[]");
  CHECK(organisation.new_versions() ==
        std::map<std::string, std::size_t>{{"payments/cmk-1", 1}, {"orders/" + ibm_key_id(101), 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

}  // namespace rekeyd::test

#include "storage/sqlite_store.hpp"
#include "tests/simulation/rule.hpp"

#include <utility>

namespace rekeyd::simulation {

namespace {

/// Invariant 9: no daemon acts on a state directory that another one owns. A second one tries now and then;
/// a frozen owner is still the owner.
class OneOwner final : public Rule {
 public:
  OneOwner(Scene& scene, std::string vfs) : Rule(scene), vfs_(std::move(vfs)) {}
  void began() override { second_one_tries(); }
  void looked_around() override {
    if (scene_.reports && ++looks_ % 16 == 0) second_one_tries();
  }

 private:
  void second_one_tries() {
    auto const second = storage::open_sqlite_store({.path = scene_.settings.database, .vfs = vfs_});
    verdicts().require(Invariant::one_owner, !second && second.error().code == "already_running", [&] {
      return second ? std::string("a second daemon could open the database of a living one")
                    : "a second daemon was refused for another reason: " + to_text(second.error());
    });
  }

  std::string vfs_;
  std::uint64_t looks_{0};
};

}  // namespace

std::unique_ptr<Rule> make_one_owner(Scene& scene, std::string vfs) {
  return std::make_unique<OneOwner>(scene, std::move(vfs));
}

}  // namespace rekeyd::simulation

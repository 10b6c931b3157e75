#include "storage/sqlite_store.hpp"
#include "tests/simulation/rule.hpp"

namespace rekeyd::simulation {

namespace {

/// Invariant 9: no daemon acts on a state directory that another one owns. A second one tries now and then;
/// a frozen owner is still the owner.
class OneOwner final : public Rule {
 public:
  using Rule::Rule;
  void began() override { second_one_tries(); }
  void looked_around() override {
    if (scene_.daemon != nullptr && ++looks_ % 64 == 0) second_one_tries();
  }

 private:
  void second_one_tries() {
    auto const second = storage::open_sqlite_store({.path = scene_.settings.database});
    verdicts().require(Invariant::one_owner, !second && second.error().code == "already_running", [&] {
      return second ? std::string("a second daemon could open the database of a living one")
                    : "a second daemon was refused for another reason: " + to_text(second.error());
    });
  }

  std::uint64_t looks_{0};
};

}  // namespace

std::unique_ptr<Rule> make_one_owner(Scene& scene) { return std::make_unique<OneOwner>(scene); }

}  // namespace rekeyd::simulation

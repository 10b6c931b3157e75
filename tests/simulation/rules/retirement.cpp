#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

namespace rekeyd::simulation {

namespace {

/// Invariant 5: no version is retired while anything is on it. Nothing is ever deleted at a provider. Until
/// rekeyd retires versions, any request of its that would switch one off is one too many.
class Retirement final : public Rule {
 public:
  using Rule::Rule;

  void sent(Letter const& letter) override {
    sim::Request const& request = letter.request;
    bool const deletes = request.method == "DELETE" || request.target.find("/purge") != std::string::npos;
    verdicts().require(Invariant::retirement, !deletes, [&] {
      return fmt::format("rekeyd asks to delete: {} {}", request.method, request.target);
    });
    bool const disables =
        request.target.find("/disable") != std::string::npos ||
        (request.method == "PATCH" && request.body.find("\"enabled\":false") != std::string::npos);
    verdicts().require(Invariant::retirement, !disables, [&] {
      return fmt::format("rekeyd asks to switch off what may be in use: {} {}", request.method,
                         request.target);
    });
  }
};

}  // namespace

std::unique_ptr<Rule> make_retirement(Scene& scene) { return std::make_unique<Retirement>(scene); }

}  // namespace rekeyd::simulation

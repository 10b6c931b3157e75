#include "policy/workflow.hpp"

#include <fmt/format.h>

#include <variant>

namespace rekeyd {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

constexpr char const* introduction = R"(# The workflow of a rotation

Written from the table in `policy/workflow.hpp`, which the daemon follows; a test compares the two.

)";

constexpr char const* legend = R"(
Each step's intent is durable before it acts and its outcome after, in one transaction with its history events.
Whatever ends a step in between (a crash, a lost answer, a full disk), it is asked again and reads provider truth first.
A failure is tried again with back-off; one that will not pass blocks this rotation alone, and a person decides:
`rekeyctl retry` goes on at the same step, `rekeyctl abandon` ends it.

| step | reads first | changes outside | asked again |
|---|---|---|---|
)";

char const* detour_words(StepRule const& rule) {
  return rule.step == Step::propagate ? "machines have to stand still" : "given up";
}

std::string arrows(StepRule const& rule) {
  char const* const from = to_text(rule.step);
  std::string text;
  if (rule.next) text += fmt::format("        {} --> {}\n", from, to_text(*rule.next));
  if (rule.back)
    text += fmt::format("        {} --> {}: provider truth moved on\n", from, to_text(*rule.back));
  if (rule.detour)
    text += fmt::format("        {} --> {}: {}\n", from, to_text(*rule.detour), detour_words(rule));
  if (rule.may_wait) text += fmt::format("        {0} --> {0}: waits\n", from);
  return text;
}

std::string diagram() {
  std::string text = "```mermaid\nstateDiagram-v2\n    [*] --> open\n    state open {\n";
  text += fmt::format("        [*] --> {}\n", to_text(workflow.front().step));
  for (StepRule const& rule : workflow) text += arrows(rule);
  text += fmt::format("        {} --> [*]\n    }}\n", to_text(workflow.back().step));
  text += "    open --> open: failed, the same step later\n    open --> done\n";
  text += "    open --> blocked: will not pass by itself\n    blocked --> open: rekeyctl retry\n";
  text += "    open --> abandoned: rekeyctl abandon\n    blocked --> abandoned: rekeyctl abandon\n";
  for (StepRule const& rule : workflow) {
    if (rule.may_be_moot)
      text += fmt::format("    open --> abandoned: {} finds it pointless\n", to_text(rule.step));
  }
  return text + "    done --> [*]\n    abandoned --> [*]\n```\n";
}

}  // namespace

bool allowed(Step step, StepOutcome const& outcome) {
  StepRule const& rule = rule_of(step);
  return std::visit(Overloaded{[&](StepWait const&) { return rule.may_wait; },
                               [&](StepAbandoned const&) { return rule.may_be_moot; },
                               [&](StepBack const& back) { return rule.back == back.to; },
                               [&](StepDetour const&) { return rule.detour.has_value(); },
                               [](auto const&) { return true; }},
                    outcome);
}

std::string workflow_document() {
  std::string text = introduction;
  text += diagram();
  text += legend;
  for (StepRule const& rule : workflow) {
    text +=
        fmt::format("| {} | {} | {} | {} |\n", to_text(rule.step), rule.reads, rule.does, rule.asked_again);
  }
  return text;
}

}  // namespace rekeyd

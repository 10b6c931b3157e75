#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::tree {

/// A statement that GCC 12 is known to miscompile, or comes too close to it.
struct RiskyAwait {
  std::size_t line{};
  std::string shape;
  bool operator==(RiskyAwait const&) const = default;
};

/// GCC 12 destroys some temporaries of a full expression twice if the expression contains co_await, without a
/// warning: capturing lambdas, aggregates and containers made with braces, and the branches of a conditional.
/// The habit that keeps clear of it: an await stands alone, its arguments are names or function calls.
///
/// Lexical, so it also flags some that are harmless; write those in two statements too. `code` is without
/// comments and quoted texts (code_of).
std::vector<RiskyAwait> find_risky_awaits(std::string_view code);

}  // namespace rekeyd::tree

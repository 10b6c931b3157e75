#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rekeyd::config {

/// How many letters must be inserted, dropped, changed or swapped with their neighbour to make `b` of `a`
/// (optimal string alignment, the restricted form of Damerau and Levenshtein's distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that was most likely meant by `word`, if one is near enough to be worth a question. Without
/// regard to case.
std::optional<std::string> near_word(std::string_view word, std::span<std::string const> candidates);

/// "did you mean 'every'?", or empty.
std::string did_you_mean(std::string_view word, std::span<std::string const> candidates);

}  // namespace rekeyd::config

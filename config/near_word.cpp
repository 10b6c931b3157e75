#include "config/near_word.hpp"

#include "config/name_syntax.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace rekeyd::config {

namespace {

// Nobody mistypes a word this long into another one; it also bounds the cost of a hostile file.
constexpr std::size_t longest_word = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, std::move(row));
  }
  return last.back();
}

std::optional<std::string> near_word(std::string_view word, std::span<std::string const> candidates) {
  if (word.size() > longest_word) return std::nullopt;
  std::string const wanted = lower_case(word);
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> found;
  for (std::string const& candidate : candidates) {
    // The distance is at least the difference in length, and most candidates end here.
    std::size_t const longer = std::max(wanted.size(), candidate.size());
    if (longer - std::min(wanted.size(), candidate.size()) >= best) continue;
    std::size_t const distance = edit_distance(wanted, lower_case(candidate));
    // One letter of a two-letter word is half of it: that is another word, not a slip.
    if (distance < best && distance < candidate.size() / 2 + 1) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<std::string const> candidates) {
  auto const near = near_word(word, candidates);
  return near ? "did you mean '" + *near + "'?" : std::string();
}

}  // namespace rekeyd::config

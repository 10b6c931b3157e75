#include "tests/simulation/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::simulation {

void Trace::line(std::string words) {
  Line& line = ring_[lines_++ % kept];
  line = {clock_.mono_now(), clock_.true_now(), handlers_, std::move(words)};
  if (keeps_whole_) whole_ += text(line) + "\n";
}

std::string Trace::text(Line const& line) {
  auto const ms = std::chrono::floor<std::chrono::milliseconds>(line.at.time_since_epoch()).count() % 1000;
  return fmt::format("{}.{:03} #{} {}", to_rfc3339(line.true_time), ms, line.handlers, line.words);
}

std::vector<std::string> Trace::last(std::size_t lines) const {
  std::vector<std::string> texts;
  std::uint64_t const there = std::min<std::uint64_t>({lines, lines_, kept});
  for (std::uint64_t i = lines_ - there; i < lines_; ++i) texts.push_back(text(ring_[i % kept]));
  return texts;
}

}  // namespace rekeyd::simulation

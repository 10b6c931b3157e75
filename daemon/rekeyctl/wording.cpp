#include "daemon/rekeyctl/wording.hpp"

#include "daemon/control/plan_span.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

std::string moment(std::optional<Instant> const& instant) { return instant ? to_rfc3339(*instant) : "-"; }

std::string or_dash(std::string const& text) { return text.empty() ? "-" : text; }

std::string status_words(Verdict const& verdict) {
  if (verdict.waits_for == WaitsFor::nothing) return to_text(verdict.status);
  return fmt::format("{} ({})", to_text(verdict.status), to_text(verdict.waits_for));
}

std::size_t due_keys(daemon::HoldReport const& hold) {
  std::size_t due = 0;
  for (auto const& [policy, count] : hold.due_by_policy) due += count;
  return due;
}

std::string due_words(daemon::HoldReport const& hold) {
  std::string words;
  for (auto const& [policy, count] : hold.due_by_policy) {
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", policy, count);
  }
  return words;
}

std::string counted(std::size_t count, char const* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string lasting(std::chrono::seconds span) {
  auto const minutes = std::chrono::floor<std::chrono::minutes>(span);
  if (minutes < std::chrono::minutes(2)) return fmt::format("{} s", span.count());
  if (minutes < std::chrono::hours(2)) return fmt::format("{} min", minutes.count());
  return fmt::format("{} h {} min", minutes.count() / 60, minutes.count() % 60);
}

std::string with_remedy(std::string const& message, std::string const& remedy) {
  if (remedy.empty() || message.find(remedy) != std::string::npos) return message;
  return message.empty() ? remedy : message + "; " + remedy;
}

std::string head_text(storage::HistoryHead const& head) {
  return fmt::format("{}:{}", head.sequence, head.hash);
}

std::optional<Instant> parse_moment(std::string const& text) {
  constexpr std::size_t date_length = std::string_view("2027-01-31").size();
  return parse_rfc3339(text.size() == date_length ? text + "T00:00:00Z" : text);
}

std::string check_moment(std::string const& text) {
  if (parse_moment(text)) return "";
  return fmt::format("'{}' is neither a date (2027-01-31) nor an RFC 3339 time (2027-01-31T12:00:00Z)", text);
}

std::string check_said(std::string const& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos ? "must not be empty" : "";
}

std::string check_span(std::string const& text) {
  if (daemon::parse_plan_span(text)) return "";
  return fmt::format("'{}' is not a span such as 12months, 90days or 2years, up to 10 years", text);
}

}  // namespace rekeyd::rekeyctl

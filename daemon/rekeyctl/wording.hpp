#pragma once
#include "daemon/control/report.hpp"
#include "policy/instant.hpp"
#include "policy/key_status.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::rekeyctl {

/// "2027-01-31T00:00:00Z", or "-".
std::string moment(std::optional<Instant> const& instant);
/// The text, or "-".
std::string or_dash(std::string const& text);
/// "ready", "waiting (window)".
std::string status_words(Verdict const& verdict);
/// Keys that are due within a hold, and "payments 12, treasury 3".
std::size_t due_keys(daemon::HoldReport const& hold);
std::string due_words(daemon::HoldReport const& hold);
/// "1 key", "2 keys".
std::string counted(std::size_t count, char const* noun);

/// "2 h 5 min", "90 s".
std::string lasting(std::chrono::seconds span);

/// "MESSAGE; REMEDY", without a remedy that the message has said already.
std::string with_remedy(std::string const& message, std::string const& remedy);

/// "17:ab12...": the head of a history, to be noted elsewhere.
std::string head_text(storage::HistoryHead const& head);

/// A moment as a person types it: RFC 3339, or a date, which means its first second in UTC.
std::optional<Instant> parse_moment(std::string const& text);

/// For CLI11: the complaint about `text` if it is no moment or no span, else "".
std::string check_moment(std::string const& text);
std::string check_span(std::string const& text);
/// The same for a text that must say something.
std::string check_said(std::string const& text);

}  // namespace rekeyd::rekeyctl

#pragma once
#include <string>

namespace rekeyd::daemon {

/// Sends the log to the journal with its levels when stderr is the journal's, else to stderr with UTC times.
/// False for an unknown level word (trace, debug, info, warning, error).
bool start_logging(std::string const& level);

/// Whether the descriptor is the journal's stream that $JOURNAL_STREAM (systemd.exec(5)) names. The variable
/// alone says little: every shell of a session that systemd began inherits it, wherever its output goes.
bool is_journal(int descriptor, char const* journal_stream);

}  // namespace rekeyd::daemon

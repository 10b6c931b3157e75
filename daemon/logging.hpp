#pragma once
#include <string>

namespace rekeyd::daemon {

/// Sends the log to the journal with its levels when systemd started us ($JOURNAL_STREAM), else to stderr
/// with UTC times. False for an unknown level word (trace, debug, info, warning, error).
bool start_logging(std::string const& level);

}  // namespace rekeyd::daemon

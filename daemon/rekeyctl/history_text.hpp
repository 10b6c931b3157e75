#pragma once
#include "daemon/rekeyctl/output.hpp"
#include "storage/store.hpp"

#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

/// The events as a table, as rekeyd.history/1, or as CSV with a line of headings.
std::string history_table(std::vector<storage::RecordedEvent> const& events, bool colour);
std::string history_json(std::vector<storage::RecordedEvent> const& events);
std::string history_csv(std::vector<storage::RecordedEvent> const& events);

}  // namespace rekeyd::rekeyctl

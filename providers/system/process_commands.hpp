#pragma once
#include "providers/system/command.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace rekeyd::providers {

/// Processes of this host, in process groups of their own; what they print goes to our standard error.
/// `clock` outlives the runner.
std::unique_ptr<CommandRunner> make_process_commands(boost::asio::any_io_executor executor, Clock& clock);

}  // namespace rekeyd::providers

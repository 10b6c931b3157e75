#pragma once
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>

namespace rekeyd::daemon {

using IndexedTask = std::function<boost::asio::awaitable<void>(std::size_t index)>;

/// Runs task(0) ... task(count - 1), at most `at_once` at a time, and completes when all have ended. Tasks
/// bring their results themselves (into a vector that the caller owns) and must not throw.
/// If the caller is cancelled, the tasks under way are cancelled, waited for, and no further one begins.
boost::asio::awaitable<void> gather(std::size_t count, std::size_t at_once, IndexedTask task);

}  // namespace rekeyd::daemon

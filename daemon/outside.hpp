#pragma once
#include "config/settings.hpp"
#include "daemon/world.hpp"
#include "providers/http/transport.hpp"
#include "providers/system/command.hpp"
#include "storage/store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>

namespace rekeyd::daemon {

/// The real outside, put together from the settings: system clock and randomness, HTTPS, SQLite, the
/// configured providers and DEK stores. Owns what the World refers to. Members in the order in which they
/// need each other.
struct Outside {
  std::unique_ptr<providers::Clock> clock;
  std::unique_ptr<providers::Random> random;
  std::unique_ptr<providers::CommandRunner> commands;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<boost::asio::thread_pool> committing;  ///< One thread: group commits.
  std::unique_ptr<providers::HttpTransport> transport;
  std::unique_ptr<World> world;
};

/// Error: the daemon must not start. Says which file, provider or store, what is wrong and what to do. An
/// unreachable provider is no error here: nothing is asked yet.
Result<Outside> open_outside(config::Settings const& settings, boost::asio::any_io_executor const& executor);

}  // namespace rekeyd::daemon

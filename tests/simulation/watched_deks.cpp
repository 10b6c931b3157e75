#include "tests/simulation/watched_deks.hpp"

namespace rekeyd::simulation {

namespace asio = boost::asio;

asio::awaitable<Result<providers::DekPage>> WatchedDeks::walk(KeyRef key, std::string cursor,
                                                              std::size_t limit) {
  return store_->walk(std::move(key), std::move(cursor), limit);
}

asio::awaitable<std::vector<Result<void>>> WatchedDeks::replace(
    std::vector<providers::DekReplacement> batch) {
  std::vector<DekId> written;
  for (providers::DekReplacement const& one : batch) written.push_back(one.before.id);
  std::vector<Result<void>> results = co_await store_->replace(std::move(batch));
  watcher_(written);
  co_return results;
}

}  // namespace rekeyd::simulation

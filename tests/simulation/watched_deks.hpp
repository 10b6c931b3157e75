#pragma once
#include "providers/dek/dek_store.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace rekeyd::simulation {

/// A DEK store whose replacements are seen by somebody else, right after they were made.
class WatchedDeks final : public providers::DekStore {
 public:
  using Watcher = std::function<void(std::vector<DekId> const& written)>;

  WatchedDeks(std::unique_ptr<providers::DekStore> store, Watcher watcher)
      : store_(std::move(store)), watcher_(std::move(watcher)) {}

  DekStoreName const& name() const override { return store_->name(); }
  boost::asio::awaitable<Result<providers::DekPage>> walk(KeyRef key, std::string cursor,
                                                          std::size_t limit) override;
  boost::asio::awaitable<std::vector<Result<void>>> replace(
      std::vector<providers::DekReplacement> batch) override;
  boost::asio::awaitable<Result<std::size_t>> left_behind(KeyRef key, VersionId target) override {
    return store_->left_behind(std::move(key), std::move(target));
  }
  boost::asio::awaitable<Result<void>> rehearse(KeyRef key) override {
    return store_->rehearse(std::move(key));
  }
  std::vector<providers::DekDefect> defects() const override { return store_->defects(); }

 private:
  std::unique_ptr<providers::DekStore> store_;
  Watcher watcher_;
};

}  // namespace rekeyd::simulation

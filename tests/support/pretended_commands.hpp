#pragma once
#include "providers/system/command.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace rekeyd::test {

/// A host on which every command takes its time, ends as it was told to, and changes nothing.
class PretendedCommands final : public providers::CommandRunner {
 public:
  explicit PretendedCommands(providers::Clock& clock, std::chrono::seconds takes = std::chrono::seconds(30))
      : clock_(clock), takes_(takes) {}

  boost::asio::awaitable<Result<int>> run(providers::Command command, providers::Clock::Mono) override {
    asked.push_back(std::move(command));
    auto const end = clock_.mono_now() + takes_;
    co_await clock_.sleep_until(end);
    co_return status;
  }

  std::vector<providers::Command> asked;
  int status{0};

 private:
  providers::Clock& clock_;
  std::chrono::seconds takes_;
};

}  // namespace rekeyd::test

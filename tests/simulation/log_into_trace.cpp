#include "tests/simulation/log_into_trace.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace rekeyd::simulation {

namespace {

class Sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit Sink(LogIntoTrace::Listener listener) : listener_(std::move(listener)) {}

 protected:
  void sink_it_(spdlog::details::log_msg const& message) override {
    listener_(std::string(message.payload.data(), message.payload.size()),
              message.level >= spdlog::level::critical);
  }
  void flush_() override {}

 private:
  LogIntoTrace::Listener listener_;
};

}  // namespace

LogIntoTrace::LogIntoTrace(Listener listener) {
  auto logger = std::make_shared<spdlog::logger>("simulation", std::make_shared<Sink>(std::move(listener)));
  logger->set_level(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

LogIntoTrace::~LogIntoTrace() {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("nobody", std::make_shared<spdlog::sinks::null_sink_st>()));
}

}  // namespace rekeyd::simulation

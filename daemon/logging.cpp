#include "daemon/logging.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::daemon {

bool is_journal(int descriptor, char const* journal_stream) {
  struct stat found{};
  if (journal_stream == nullptr || ::fstat(descriptor, &found) != 0) return false;
  return fmt::format("{}:{}", found.st_dev, found.st_ino) == journal_stream;
}

bool start_logging(std::string const& level) {
  spdlog::level::level_enum const wanted = spdlog::level::from_str(level);
  if (wanted == spdlog::level::off && level != "off") return false;
  std::shared_ptr<spdlog::sinks::sink> sink;
  // getenv is read once, before any thread or loop exists.
  if (is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) {  // NOLINT(concurrency-mt-unsafe)
    sink = std::make_shared<spdlog::sinks::systemd_sink_st>("rekeyd");
    sink->set_pattern("%v");
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
    auto formatter = std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%SZ %^%l%$ %v",
                                                                 spdlog::pattern_time_type::utc);
    sink->set_formatter(std::move(formatter));
  }
  auto logger = std::make_shared<spdlog::logger>("rekeyd", std::move(sink));
  logger->set_level(wanted);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return true;
}

}  // namespace rekeyd::daemon

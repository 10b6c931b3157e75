#include "tests/simulation/workers.hpp"

#include "tests/simulation/summary.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rekeyd::simulation {

namespace {

/// Every `stride`th seed from `next` on, in a process of its own.
struct Worker {
  std::uint64_t next{};
  pid_t process{-1};
  int pipe{-1};
  std::string heard{};  ///< What is not yet a whole line.
};

void write_all(int pipe, std::string const& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    auto const sent = ::write(pipe, text.data() + written, text.size() - written);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) ::_exit(1);
    written += static_cast<std::size_t>(sent);
  }
}

Outcome live_or_tell(std::uint64_t seed, std::function<Outcome(std::uint64_t)> const& live) {
  try {
    return live(seed);
  } catch (std::exception const& error) {
    Outcome outcome;
    outcome.seed = seed;
    outcome.broken = {Invariant::endings, std::string("an exception ended it: ") + error.what()};
    return outcome;
  }
}

class Workers {
 public:
  Workers(std::uint64_t base, std::uint64_t count, unsigned processes,
          std::chrono::steady_clock::time_point until, std::function<Outcome(std::uint64_t)> const& live,
          std::function<void(Outcome)> const& heard)
      : end_(base + count), stride_(processes), until_(until), live_(live), heard_(heard) {
    for (std::uint64_t i = 0; i < processes; ++i) workers_.push_back({.next = base + i});
  }

  void run() {
    for (Worker& worker : workers_) start(worker);
    while (listen()) {
    }
  }

 private:
  bool out_of_time() const { return std::chrono::steady_clock::now() >= until_; }

  void start(Worker& worker) {
    if (worker.next >= end_ || out_of_time()) return;
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    std::fflush(nullptr);
    worker.process = ::fork();
    if (worker.process < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (worker.process == 0) {
      ::close(ends[0]);
      for (std::uint64_t seed = worker.next; seed < end_ && !out_of_time(); seed += stride_)
        write_all(ends[1], to_line(live_or_tell(seed, live_)) + "\n");
      ::_exit(0);
    }
    ::close(ends[1]);
    worker.pipe = ends[0];
  }

  /// False when nobody is left.
  bool listen() {
    std::vector<pollfd> open;
    for (Worker const& worker : workers_) {
      if (worker.pipe >= 0) open.push_back({worker.pipe, POLLIN, 0});
    }
    if (open.empty()) return false;
    if (::poll(open.data(), open.size(), -1) < 0 && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "poll");
    for (Worker& worker : workers_) {
      for (pollfd const& ready : open) {
        if (ready.fd == worker.pipe && ready.revents != 0) {
          hear(worker);
          break;
        }
      }
    }
    return true;
  }

  void hear(Worker& worker) {
    char buffer[65536];
    auto const got = ::read(worker.pipe, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      lose(worker);
      return;
    }
    worker.heard.append(buffer, static_cast<std::size_t>(got));
    for (auto end = worker.heard.find('\n'); end != std::string::npos; end = worker.heard.find('\n')) {
      if (auto outcome = parse_outcome(std::string_view(worker.heard).substr(0, end)))
        heard_(*std::move(outcome));
      worker.heard.erase(0, end + 1);
      worker.next += stride_;
    }
  }

  void lose(Worker& worker) {
    ::close(worker.pipe);
    worker.pipe = -1;
    worker.heard.clear();
    int status = 0;
    ::waitpid(worker.process, &status, 0);
    bool const ended_by_itself = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (worker.next >= end_ || (ended_by_itself && out_of_time())) return;
    Outcome outcome;
    outcome.seed = worker.next;
    outcome.broken = {Invariant::endings,
                      WIFSIGNALED(status)
                          ? fmt::format("the process died of {}", ::strsignal(WTERMSIG(status)))
                          : fmt::format("the process ended with {}", WEXITSTATUS(status))};
    heard_(std::move(outcome));
    worker.next += stride_;
    start(worker);
  }

  std::uint64_t end_;
  std::uint64_t stride_;
  std::chrono::steady_clock::time_point until_;
  std::function<Outcome(std::uint64_t)> const& live_;
  std::function<void(Outcome)> const& heard_;
  std::vector<Worker> workers_;
};

}  // namespace

void live_in_processes(std::uint64_t base, std::uint64_t count, unsigned processes,
                       std::function<Outcome(std::uint64_t seed)> const& live,
                       std::function<void(Outcome)> const& heard,
                       std::chrono::steady_clock::time_point until) {
  Workers(base, count, processes, until, live, heard).run();
}

}  // namespace rekeyd::simulation

#include "daemon/machine_course.hpp"

#include "daemon/change_pace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::ChangeProgress;
using providers::Machine;
using providers::Power;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
/// A look may show what was a moment ago.
constexpr auto contrary_patience = std::chrono::seconds(5);

Error out_of_time(ResourceId const& machine, std::optional<Machine> const& seen) {
  Error error;
  error.error_class = ErrorClass::conflict;
  error.what =
      seen ? fmt::format("the machine is still {}", to_text(seen->power)) : "the machine cannot be read";
  error.where = machine.str();
  error.remedy = "look at the machine at its provider";
  return error;
}

Error undone(ResourceId const& machine, Power power) {
  Error error;
  error.error_class = ErrorClass::conflict;
  error.what = fmt::format("somebody has made the machine {} meanwhile", to_text(power));
  error.where = machine.str();
  return error;
}

Error stopping(ResourceId const& machine) {
  Error error;
  error.error_class = ErrorClass::cancelled;
  error.what = "the daemon is stopping";
  error.where = machine.str();
  return error;
}

}  // namespace

asio::awaitable<Result<Machine>> follow_machine(World& world, StopFlag const& stop,
                                                providers::ResourceController& controller,
                                                MachineErrand errand) {
  ChangePace operation_pace;
  ChangePace machine_pace;
  std::chrono::seconds pause = operation_pace.next(errand.ticket.ask_after);
  std::string operation = errand.ticket.operation;
  std::optional<Machine> seen;
  bool over = false;  // The operation, by its provider's own word.
  std::optional<providers::Clock::Mono> contrary_since;
  while (true) {
    auto const at = world.clock.mono_now() + pause;
    co_await world.clock.sleep_until(at);
    if (stop.requested) co_return std::unexpected(stopping(errand.machine));
    auto const deadline = world.clock.mono_now() + call_patience;
    if (!operation.empty()) {
      Result<ChangeProgress> const told = co_await controller.progress(operation, deadline);
      bool const failed = told && told->state == ChangeProgress::State::failed;
      if (failed) co_return std::unexpected(told->error.value_or(out_of_time(errand.machine, seen)));
      bool const under_way = told && told->state == ChangeProgress::State::under_way;
      pause = operation_pace.next(under_way ? told->ask_after : std::chrono::seconds(0));
      over = told && told->state == ChangeProgress::State::done;
      if (told && !under_way) operation.clear();
    }
    if (operation.empty()) {
      Result<Machine> const now = co_await controller.machine(errand.machine, deadline);
      bool const gone = !now && now.error().error_class == ErrorClass::not_found;
      if (gone) co_return std::unexpected(now.error());
      if (now) seen = *now;
      bool const there = now && std::ranges::find(errand.wanted, now->power) != errand.wanted.end();
      if (there) co_return *now;
      bool const contrary = over && now && errand.undone == now->power;
      if (!contrary) contrary_since.reset();
      if (contrary && !contrary_since) contrary_since = world.clock.mono_now();
      bool const lasts = contrary && world.clock.mono_now() - *contrary_since >= contrary_patience;
      if (lasts) co_return std::unexpected(undone(errand.machine, now->power));
      pause = machine_pace.next(std::chrono::seconds(0));
    }
    if (world.clock.mono_now() + pause > errand.until) {
      co_return std::unexpected(out_of_time(errand.machine, seen));
    }
  }
}

}  // namespace rekeyd::daemon

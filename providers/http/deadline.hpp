#pragma once
#include "policy/error.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace rekeyd::providers {

namespace detail {

// A plain struct, not a variant: operator|| would flatten a variant into its own.
template <class T>
struct Settled {
  std::optional<Result<T>> value;
  std::exception_ptr thrown;
};

// operator|| waits for the first *success*, so an operation that throws would sit there until the deadline
// and its exception would be lost. Every way of ending becomes a value first.
template <class T>
boost::asio::awaitable<Settled<T>> settle(boost::asio::awaitable<Result<T>> operation) {
  Settled<T> ended;
  try {
    ended.value.emplace(co_await std::move(operation));
  } catch (...) {
    ended.thrown = std::current_exception();
  }
  co_return ended;
}

}  // namespace detail

/// Runs `operation`; if it has not ended by `deadline`, cancels it and returns a transient error with
/// `delivery` and `where`. Waits until the cancelled operation has stopped. A cancelled caller gets what the
/// operation made of it, or an error of class cancelled.
template <class T>
boost::asio::awaitable<Result<T>> with_deadline(Clock& clock, Clock::Mono deadline, Delivery delivery,
                                                std::string where,
                                                boost::asio::awaitable<Result<T>> operation) {
  using namespace boost::asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  auto first = co_await (detail::settle<T>(std::move(operation)) || clock.sleep_until_or_cancelled(deadline));
  if (first.index() == 1) {
    bool const too_late = clock.mono_now() >= deadline;
    Error error;
    error.error_class = too_late ? ErrorClass::transient : ErrorClass::cancelled;
    error.delivery = delivery;
    error.what = too_late ? "no answer before the deadline" : "the wait was cancelled";
    error.where = std::move(where);
    co_return std::unexpected(std::move(error));
  }
  auto& ended = std::get<0>(first);
  if (ended.thrown) std::rethrow_exception(ended.thrown);
  co_return std::move(*ended.value);
}

}  // namespace rekeyd::providers

#pragma once
#include "policy/error.hpp"

#include <SQLiteCpp/Exception.h>

#include <string>
#include <type_traits>
#include <utility>

namespace rekeyd::storage {

/// Thrown inside storage/ where a failure is known by us rather than by SQLite; guarded() hands it on.
struct Refusal {
  Error error;
};

[[noreturn]] void refuse(std::string what, std::string code, std::string remedy);

/// SQLite's result code without what it says beyond (SQLITE_CONSTRAINT, not SQLITE_CONSTRAINT_TRIGGER).
int primary_code(SQLite::Exception const& exception);

/// The error for the exception that is being handled: SQLite's result code turned into what it means for the
/// database `where` and what a person can do. `doing` completes "cannot ...".
Error current_error(std::string const& where, std::string const& doing);

/// Runs `work` and turns whatever it throws into a value: nothing is thrown out of the Store seam.
template <class Work>
auto guarded(std::string const& where, std::string const& doing, Work&& work)
    -> Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (...) {
    return std::unexpected(current_error(where, doing));
  }
}

}  // namespace rekeyd::storage

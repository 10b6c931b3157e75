#pragma once
#include <chrono>
#include <expected>
#include <optional>
#include <string>

namespace rekeyd {

/// What a caller may do about an error, readable without parsing its text.
enum class ErrorClass {
  transient,  ///< The same call may work later: network, 5xx, 429, a busy disk.
  access,     ///< 401 or 403: a person must mend a credential or grant a permission. Retry slowly.
  conflict,   ///< The provider's state is not what the call assumed: read again and decide again.
  not_found,  ///< What was named does not exist (or may not be seen).
  permanent,  ///< This call will never work as asked.
  malformed,  ///< The answer is not what the protocol says.
  storage,    ///< Our own disk or database refused.
  cancelled,  ///< We are stopping.
};

/// Whether a request may have taken effect. Decides if a rotate may be sent again.
enum class Delivery {
  not_sent,       ///< No byte of the request reached the service.
  refused,        ///< The service answered that it did not act.
  maybe_applied,  ///< Bytes went out and no complete answer came back: ask before repeating.
};

/// One failure as a value: what, where, the provider's own words for it, and what a person can do.
/// Never holds a secret.
struct Error {
  ErrorClass error_class{ErrorClass::permanent};
  Delivery delivery{Delivery::refused};
  std::string what;        ///< One sentence.
  std::string where;       ///< A file with line, a key, or "METHOD host/path".
  std::string code;        ///< The provider's own code ("KEY_ROTATION_NOT_PERMITTED"), or empty.
  std::string request_id;  ///< The provider's id of the call (x-ms-request-id, Correlation-Id), or empty.
  std::string remedy;      ///< What a person can do, or empty.
  unsigned http_status{};  ///< 0 when there was no answer.
  std::optional<std::chrono::seconds> retry_after;  ///< The provider's own hint.
};

/// "what (code X, HTTP 409) at where; request id R; remedy". One line, for logs and people.
std::string to_text(Error const& error);

/// The name used in JSON, the database and the docs ("transient", "access", ...).
char const* to_text(ErrorClass error_class);
char const* to_text(Delivery delivery);

/// Errors of the outside are values: they are half of what a rotation daemon deals with.
template <class T>
using Result = std::expected<T, Error>;

}  // namespace rekeyd

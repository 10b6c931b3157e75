#include "policy/error.hpp"

#include <fmt/format.h>

namespace rekeyd {

char const* to_text(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::transient:
      return "transient";
    case ErrorClass::access:
      return "access";
    case ErrorClass::conflict:
      return "conflict";
    case ErrorClass::not_found:
      return "not_found";
    case ErrorClass::permanent:
      return "permanent";
    case ErrorClass::malformed:
      return "malformed";
    case ErrorClass::storage:
      return "storage";
    case ErrorClass::cancelled:
      return "cancelled";
  }
  return "permanent";
}

char const* to_text(Delivery delivery) {
  switch (delivery) {
    case Delivery::not_sent:
      return "not_sent";
    case Delivery::refused:
      return "refused";
    case Delivery::maybe_applied:
      return "maybe_applied";
  }
  return "maybe_applied";
}

std::string to_text(Error const& error) {
  std::string text = error.what;
  if (!error.code.empty() || error.http_status != 0) {
    std::string const status = error.http_status != 0 ? fmt::format("HTTP {}", error.http_status) : "";
    std::string const comma = !error.code.empty() && !status.empty() ? ", " : "";
    text += fmt::format(" ({}{}{})", error.code, comma, status);
  }
  if (!error.where.empty()) text += fmt::format(" at {}", error.where);
  if (!error.request_id.empty()) text += fmt::format("; request id {}", error.request_id);
  if (!error.remedy.empty()) text += fmt::format("; {}", error.remedy);
  return text;
}

}  // namespace rekeyd

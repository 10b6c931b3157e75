#pragma once
#include "daemon/control/handler.hpp"
#include "daemon/control/service.hpp"

namespace rekeyd::daemon {

/// The paths of the control socket:
///
///     GET  /v1/status
///     GET  /v1/keys[?provider=NAME&status=WORD&policy=NAME&name=GLOB]
///     GET  /v1/plan?until=RFC3339  or  ?for=12months
///     GET  /v1/rotations/{id}
///     POST /v1/rotate                   {"key": ..., "reason": ...}
///     POST /v1/replace                  {"key": ..., "by" or "create": ..., "reason": ...}
///     POST /v1/reload
///     POST /v1/release                  {"hold": ... or null for all, "reason": ...}
///     POST /v1/rotations/{id}/retry
///     POST /v1/rotations/{id}/abandon   {"reason": ..., "leave_stopped": false}
///
/// A request is read strictly: an unknown path, parameter or member is refused with the ones that exist.
/// Documents and errors are those of protocol.hpp. Whoever may open the socket may look and may act.
class ControlRoutes : public ControlHandler {
 public:
  /// `service` outlives the routes.
  explicit ControlRoutes(ControlService& service) : service_(service) {}
  boost::asio::awaitable<ControlAnswer> answer(ControlRequest request) override;

  /// The same without a coroutine: no route waits.
  ControlAnswer answer_now(ControlRequest const& request);

 private:
  ControlService& service_;
};

/// The HTTP status that tells a caller about an error of this class.
unsigned http_status(ErrorClass error_class);

}  // namespace rekeyd::daemon

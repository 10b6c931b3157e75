#pragma once
#include "daemon/control/client.hpp"
#include "daemon/rekeyctl/exit_codes.hpp"
#include "daemon/rekeyctl/output.hpp"

namespace rekeyd::rekeyctl {

/// Asks twice a second until the rotation is done, blocked or abandoned, and tells each change in words. Does
/// not give up by itself: a rotation may wait for hours, and whoever follows it can stop (Ctrl-C) without
/// stopping the rotation.
Result<Rotation> follow(daemon::ControlClient& client, RotationId const& id, Output& out);

Exit exit_of(Rotation const& ended);

}  // namespace rekeyd::rekeyctl

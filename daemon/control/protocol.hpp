#pragma once
#include "daemon/control/report.hpp"
#include "policy/error.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Reports and requests as JSON and back; no I/O.
///
/// Every document carries "schema": "rekeyd.NAME/VERSION". A version changes when a member is removed or
/// means something else; members may be added within one, so a reader ignores those it does not know. Times
/// are RFC 3339 in UTC. What is absent is null. A key is its full reference "provider/vault/id".
///
/// decode_*: an Error of class malformed that names the member if the text is not JSON, is of another schema,
/// lacks a required member or has one of the wrong type. Never throws, whatever the text.
namespace rekeyd::daemon {

std::string encode_status(StatusReport const& report);        ///< rekeyd.status/1
std::string encode_keys(std::vector<KeyReport> const& keys);  ///< rekeyd.keys/1
std::string encode_resources(std::vector<ResourceReport> const& resources);
Result<std::vector<ResourceReport>> decode_resources(std::string_view text);
std::string encode_plan(PlanReport const& report);               ///< rekeyd.plan/1
std::string encode_rotation(Rotation const& rotation);           ///< rekeyd.rotation/1
std::string encode_rotate_answer(RotateAnswer const& answer);    ///< rekeyd.rotate/1
std::string encode_reload_answer(ReloadAnswer const& answer);    ///< rekeyd.reload/1
std::string encode_release_answer(ReleaseAnswer const& answer);  ///< rekeyd.release/1
std::string encode_accepted(RotationId const& rotation);         ///< rekeyd.accepted/1
std::string encode_error(Error const& error);                    ///< rekeyd.error/1

Result<StatusReport> decode_status(std::string_view text);
Result<std::vector<KeyReport>> decode_keys(std::string_view text);
Result<PlanReport> decode_plan(std::string_view text);
Result<Rotation> decode_rotation(std::string_view text);
Result<RotateAnswer> decode_rotate_answer(std::string_view text);
Result<ReloadAnswer> decode_reload_answer(std::string_view text);
Result<ReleaseAnswer> decode_release_answer(std::string_view text);
Result<RotationId> decode_accepted(std::string_view text);
/// The Error that the text tells of, or a malformed one if it tells of none.
Error decode_error(std::string_view text);

/// Bodies of requests. These are read strictly: a member that does not belong there is an Error.
std::string encode_rotate_request(RotateRequest const& request);
std::string encode_replace_request(ReplaceRequest const& request);
std::string encode_release_request(ReleaseRequest const& request);
std::string encode_abandon_request(AbandonRequest const& request);
Result<RotateRequest> decode_rotate_request(std::string_view text);
Result<ReplaceRequest> decode_replace_request(std::string_view text);
Result<ReleaseRequest> decode_release_request(std::string_view text);
Result<AbandonRequest> decode_abandon_request(std::string_view text);

}  // namespace rekeyd::daemon

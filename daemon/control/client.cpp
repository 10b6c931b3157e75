#include "daemon/control/client.hpp"

#include "daemon/control/exchange.hpp"
#include "daemon/control/protocol.hpp"

#include <boost/url/url.hpp>

namespace rekeyd::daemon {

namespace {

std::string target_of(std::vector<std::string> const& path,
                      std::vector<std::pair<std::string, std::string>> const& parameters) {
  boost::urls::url target("/v1");
  for (std::string const& segment : path) target.segments().push_back(segment);
  for (auto const& [name, value] : parameters) target.params().append({name, value});
  return std::string(target.buffer());
}

/// What `decode` makes of the text, with the socket as the place of a bad answer.
template <class T>
Result<T> decoded(Result<std::string> const& text, Result<T> (*decode)(std::string_view),
                  std::filesystem::path const& socket) {
  if (!text) return std::unexpected(text.error());
  auto value = decode(*text);
  if (!value) value.error().where = "an answer over " + socket.string();
  return value;
}

}  // namespace

Result<std::string> ControlClient::get(Path const& path, Parameters const& parameters) {
  return exchange({.socket = socket_,
                   .method = "GET",
                   .target = target_of(path, parameters),
                   .body = "",
                   .deadline = deadline_});
}

Result<std::string> ControlClient::post(Path const& path, std::string body) {
  return exchange({.socket = socket_,
                   .method = "POST",
                   .target = target_of(path, {}),
                   .body = std::move(body),
                   .deadline = deadline_});
}

Result<StatusReport> ControlClient::status() { return decoded(get({"status"}), decode_status, socket_); }

Result<std::vector<KeyReport>> ControlClient::keys(KeyFilter const& filter) {
  Parameters parameters;
  if (filter.provider) parameters.emplace_back("provider", *filter.provider);
  if (filter.status) parameters.emplace_back("status", to_text(*filter.status));
  if (filter.policy) parameters.emplace_back("policy", *filter.policy);
  if (filter.name) parameters.emplace_back("name", *filter.name);
  return decoded(get({"keys"}, parameters), decode_keys, socket_);
}

Result<std::vector<ResourceReport>> ControlClient::resources() {
  return decoded(get({"resources"}, {}), decode_resources, socket_);
}

Result<PlanReport> ControlClient::plan_until(Instant until) {
  return decoded(get({"plan"}, {{"until", to_rfc3339(until)}}), decode_plan, socket_);
}

Result<PlanReport> ControlClient::plan_for(std::string const& span) {
  return decoded(get({"plan"}, {{"for", span}}), decode_plan, socket_);
}

Result<Rotation> ControlClient::rotation(RotationId const& id) {
  return decoded(get({"rotations", id.str()}), decode_rotation, socket_);
}

Result<RotateAnswer> ControlClient::rotate(RotateRequest const& request) {
  return decoded(post({"rotate"}, encode_rotate_request(request)), decode_rotate_answer, socket_);
}

Result<RotateAnswer> ControlClient::replace(ReplaceRequest const& request) {
  return decoded(post({"replace"}, encode_replace_request(request)), decode_rotate_answer, socket_);
}

Result<ReloadAnswer> ControlClient::reload() {
  return decoded(post({"reload"}, ""), decode_reload_answer, socket_);
}

Result<ReleaseAnswer> ControlClient::release(ReleaseRequest const& request) {
  return decoded(post({"release"}, encode_release_request(request)), decode_release_answer, socket_);
}

Result<RotationId> ControlClient::retry(RotationId const& id) {
  return decoded(post({"rotations", id.str(), "retry"}, ""), decode_accepted, socket_);
}

Result<RotationId> ControlClient::abandon(RotationId const& id, AbandonRequest const& request) {
  return decoded(post({"rotations", id.str(), "abandon"}, encode_abandon_request(request)), decode_accepted,
                 socket_);
}

}  // namespace rekeyd::daemon

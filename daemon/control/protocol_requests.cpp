// What is asked of the daemon, its short answers, and errors, as JSON and back.
#include "daemon/control/json_members.hpp"
#include "daemon/control/protocol.hpp"
#include "daemon/control/request_reason.hpp"
#include "policy/words.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

constexpr std::string_view rotate_schema = "rekeyd.rotate/1";
constexpr std::string_view reload_schema = "rekeyd.reload/1";
constexpr std::string_view accepted_schema = "rekeyd.accepted/1";
constexpr std::string_view error_schema = "rekeyd.error/1";

std::optional<ErrorClass> parse_error_class(std::string_view text) {
  using enum ErrorClass;
  for (ErrorClass const each :
       {transient, access, conflict, not_found, permanent, malformed, storage, cancelled}) {
    if (text == to_text(each)) return each;
  }
  return std::nullopt;
}

ReloadAnswer read_reload(Members const& document) {
  return {.applied = document.flag("applied"),
          .diagnostics = document.texts("diagnostics"),
          .warnings = document.texts("warnings"),
          .policies = document.count("policies"),
          .policy_digest = document.text_or_empty("policy_digest"),
          .counts = document.count_map("counts")};
}

Error read_error(Members const& document) {
  Members const members = document.object("error");
  Error error;
  error.error_class = members.word("class", parse_error_class);
  error.what = members.text("what");
  error.where = members.text_or_empty("where");
  error.code = members.text_or_empty("code");
  error.request_id = members.text_or_empty("request_id");
  error.remedy = members.text_or_empty("remedy");
  return error;
}

// A reason is shown in one line of a table and kept for auditors for ever.
constexpr std::size_t reason_bytes_max = 1000;

}  // namespace

std::string read_reason(Members const& members) {
  std::string reason = members.text("reason");
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw Malformed{"member 'reason' is empty: the history records why somebody asked"};
  }
  if (reason.size() > reason_bytes_max) {
    throw Malformed{"member 'reason' has more than " + std::to_string(reason_bytes_max) + " bytes"};
  }
  return reason;
}

std::string encode_rotate_answer(RotateAnswer const& answer) {
  return to_json(json::object{
      {"schema", rotate_schema}, {"rotation", answer.rotation.str()}, {"key", answer.key.text()}});
}

Result<RotateAnswer> decode_rotate_answer(std::string_view text) {
  return read_document<RotateAnswer>(text, rotate_schema, [](Members const& document) {
    return RotateAnswer{.rotation = RotationId(document.text("rotation")), .key = document.key("key")};
  });
}

std::string encode_reload_answer(ReloadAnswer const& answer) {
  return to_json(json::object{{"schema", reload_schema},
                              {"applied", answer.applied},
                              {"diagnostics", json_texts(answer.diagnostics)},
                              {"warnings", json_texts(answer.warnings)},
                              {"policies", answer.policies},
                              {"policy_digest", json_said(answer.policy_digest)},
                              {"counts", json_map(answer.counts)}});
}

Result<ReloadAnswer> decode_reload_answer(std::string_view text) {
  return read_document<ReloadAnswer>(text, reload_schema, read_reload);
}

std::string encode_accepted(RotationId const& rotation) {
  return to_json(json::object{{"schema", accepted_schema}, {"rotation", rotation.str()}});
}

Result<RotationId> decode_accepted(std::string_view text) {
  return read_document<RotationId>(
      text, accepted_schema, [](Members const& document) { return RotationId(document.text("rotation")); });
}

std::string encode_error(Error const& error) {
  json::object told{{"class", to_text(error.error_class)},       {"what", error.what},
                    {"where", json_said(error.where)},           {"code", json_said(error.code)},
                    {"request_id", json_said(error.request_id)}, {"remedy", json_said(error.remedy)}};
  return to_json(json::object{{"schema", error_schema}, {"error", std::move(told)}});
}

Error decode_error(std::string_view text) {
  auto told = read_document<Error>(text, error_schema, read_error);
  return told ? std::move(*told) : std::move(told.error());
}

std::string encode_rotate_request(RotateRequest const& request) {
  return to_json(json::object{{"key", request.key}, {"reason", request.reason}});
}

Result<RotateRequest> decode_rotate_request(std::string_view text) {
  return read_document<RotateRequest>(text, "", [](Members const& body) {
    body.only({"key", "reason"});
    RotateRequest request{.key = body.text("key"), .reason = read_reason(body)};
    if (request.key.empty()) throw Malformed{"member 'key' is empty"};
    return request;
  });
}

std::string encode_replace_request(ReplaceRequest const& request) {
  return to_json(json::object{{"key", request.key},
                              {"by", json_said(request.by)},
                              {"create", json_said(request.create)},
                              {"reason", request.reason}});
}

Result<ReplaceRequest> decode_replace_request(std::string_view text) {
  return read_document<ReplaceRequest>(text, "", [](Members const& body) {
    body.only({"key", "by", "create", "reason"});
    ReplaceRequest request{.key = body.text("key"),
                           .by = body.text_if("by").value_or(""),
                           .create = body.text_if("create").value_or(""),
                           .reason = read_reason(body)};
    if (request.key.empty()) throw Malformed{"member 'key' is empty"};
    if (request.by.empty() == request.create.empty()) {
      throw Malformed{"either 'by' or 'create' has to name the key that takes the place"};
    }
    return request;
  });
}

std::string encode_abandon_request(AbandonRequest const& request) {
  return to_json(json::object{{"reason", request.reason}, {"leave_stopped", request.leave_stopped}});
}

Result<AbandonRequest> decode_abandon_request(std::string_view text) {
  return read_document<AbandonRequest>(text, "", [](Members const& body) {
    body.only({"reason", "leave_stopped"});
    return AbandonRequest{.reason = read_reason(body), .leave_stopped = body.flag_if("leave_stopped")};
  });
}

}  // namespace rekeyd::daemon

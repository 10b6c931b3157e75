// Holds, and what is asked of them, as JSON and back.
#include "daemon/control/protocol_holds.hpp"

#include "daemon/control/protocol.hpp"
#include "daemon/control/request_reason.hpp"

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

constexpr std::string_view schema = "rekeyd.release/1";

}  // namespace

json::object write_hold(HoldReport const& hold) {
  return {{"name", hold.name},
          {"kind", to_text(hold.kind)},
          {"scope", hold.scope},
          {"since", json_time(hold.since)},
          {"sentence", hold.sentence},
          {"next_try", json_time(hold.next_try)},
          {"due_by_policy", json_map(hold.due_by_policy)},
          {"details", json_map(hold.details)}};
}

HoldReport read_hold(Members const& members) {
  return {.name = members.text("name"),
          .kind = members.word("kind", parse_hold_kind),
          .scope = members.text("scope"),
          .since = members.instant("since"),
          .sentence = members.text("sentence"),
          .next_try = members.instant_if("next_try"),
          .due_by_policy = members.count_map("due_by_policy"),
          .details = members.text_map("details")};
}

std::string encode_release_answer(ReleaseAnswer const& answer) {
  return to_json(json::object{{"schema", schema}, {"released", json_list(answer.released, write_hold)}});
}

Result<ReleaseAnswer> decode_release_answer(std::string_view text) {
  return read_document<ReleaseAnswer>(text, schema, [](Members const& document) {
    return ReleaseAnswer{.released = document.list("released", read_hold)};
  });
}

std::string encode_release_request(ReleaseRequest const& request) {
  return to_json(json::object{{"hold", json_text(request.hold)}, {"reason", request.reason}});
}

Result<ReleaseRequest> decode_release_request(std::string_view text) {
  return read_document<ReleaseRequest>(text, "", [](Members const& body) {
    body.only({"hold", "reason"});
    ReleaseRequest request{.hold = body.text_if("hold"), .reason = read_reason(body)};
    if (request.hold && request.hold->empty()) throw Malformed{"member 'hold' is empty"};
    return request;
  });
}

}  // namespace rekeyd::daemon

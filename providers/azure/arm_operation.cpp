#include "providers/azure/arm_operation.hpp"

#include "providers/azure/arm_error.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/http/api_client.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds ask_after_min{1};
constexpr std::chrono::seconds ask_after_max{300};

constexpr std::string_view status_word = "status ";
constexpr std::string_view location_word = "location ";

std::chrono::seconds ask_after(HttpResponse const& response, Instant now) {
  auto const asked = parse_retry_after(response.header("retry-after"), now);
  if (!asked) return {};
  return std::clamp(*asked, ask_after_min, ask_after_max);
}

/// {"status":"InProgress"|"Succeeded"|"Failed"|"Canceled", "error":{..}?}; any other word is not an end.
Result<ChangeProgress> progress_of_status(ArmReply const& reply, Instant now) {
  JsonAnswer answer(reply.response.body);
  JsonObject const root = answer.root();
  std::string const status = lower_case(root.text("status"));
  if (!answer.sound()) return std::unexpected(answer.error(reply.where));
  ChangeProgress progress;
  progress.ask_after = ask_after(reply.response, now);
  if (status == "succeeded") progress.state = ChangeProgress::State::done;
  if (status == "failed" || status == "canceled") {
    progress.state = ChangeProgress::State::failed;
    progress.error = arm_operation_error(root.object_if("error"), reply.response, reply.where);
    if (progress.error->code.empty()) progress.error->code = status == "failed" ? "Failed" : "Canceled";
  }
  return progress;
}

ChangeProgress progress_of_location(ArmReply const& reply, Instant now) {
  ChangeProgress progress;
  progress.ask_after = ask_after(reply.response, now);
  if (reply.response.status != 202) progress.state = ChangeProgress::State::done;
  return progress;
}

}  // namespace

std::string OperationPlace::text() const {
  return std::string(kind == Kind::status ? status_word : location_word) + url;
}

std::optional<OperationPlace> OperationPlace::parse(std::string_view text) {
  if (text.starts_with(status_word)) {
    return OperationPlace{Kind::status, std::string(text.substr(status_word.size()))};
  }
  if (text.starts_with(location_word)) {
    return OperationPlace{Kind::location, std::string(text.substr(location_word.size()))};
  }
  return std::nullopt;
}

std::optional<OperationPlace> OperationPlace::of(HttpResponse const& response) {
  if (auto const url = response.header("azure-asyncoperation"); !url.empty()) {
    return OperationPlace{Kind::status, std::string(url)};
  }
  // With any other status, Location names the resource itself, if it is there at all.
  if (auto const url = response.header("location"); !url.empty() && response.status == 202) {
    return OperationPlace{Kind::location, std::string(url)};
  }
  return std::nullopt;
}

ChangeTicket ticket_of(ArmReply const& reply, Instant now) {
  ChangeTicket ticket;
  if (auto const place = OperationPlace::of(reply.response)) ticket.operation = place->text();
  ticket.ask_after = ask_after(reply.response, now);
  ticket.evidence = reply.evidence;
  return ticket;
}

asio::awaitable<Result<ChangeProgress>> operation_progress(ArmAccess& access, std::string operation,
                                                           Clock::Mono deadline) {
  auto const place = OperationPlace::parse(operation);
  if (!place) co_return ChangeProgress{.state = ChangeProgress::State::forgotten};
  auto target = access.operation_target(place->url, "an operation's URL");
  if (!target) co_return std::unexpected(std::move(target.error()));
  ArmCall call;
  call.target = *std::move(target);
  auto reply = co_await access.call(std::move(call), deadline);
  Instant const now = access.clock().wall_now();
  if (reply && place->kind == OperationPlace::Kind::status) co_return progress_of_status(*reply, now);
  if (reply) co_return progress_of_location(*reply, now);
  ChangeProgress ended;
  if (reply.error().error_class == ErrorClass::not_found) {
    ended.state = ChangeProgress::State::forgotten;
    co_return ended;
  }
  // At its Location an operation that failed answers with its error.
  bool const refused =
      place->kind == OperationPlace::Kind::location && (reply.error().error_class == ErrorClass::conflict ||
                                                        reply.error().error_class == ErrorClass::permanent);
  if (!refused) co_return std::unexpected(std::move(reply.error()));
  ended.state = ChangeProgress::State::failed;
  ended.error = std::move(reply.error());
  co_return ended;
}

}  // namespace rekeyd::providers::azure

#pragma once
#include "providers/azure/arm_access.hpp"
#include "providers/resource_controller.hpp"

#include <optional>
#include <string>

namespace rekeyd::providers::azure {

/// Where ARM tells how an asynchronous operation goes (its async-operations page): a status document
/// (Azure-AsyncOperation), or the answer itself, 202 until it is there (Location). The first is better.
struct OperationPlace {
  enum class Kind { status, location };
  Kind kind{Kind::status};
  std::string url;

  /// One text, for the database.
  std::string text() const;
  static std::optional<OperationPlace> parse(std::string_view text);
  /// From the headers of the answer that began the operation; nothing: it is over, or nobody tells.
  static std::optional<OperationPlace> of(HttpResponse const& response);
};

/// What the answer that began a change says.
ChangeTicket ticket_of(ArmReply const& reply, Instant now);

/// Asks once how the operation goes. An operation that ARM no longer knows is `forgotten`: the resource
/// tells.
boost::asio::awaitable<Result<ChangeProgress>> operation_progress(ArmAccess& access, std::string operation,
                                                                  Clock::Mono deadline);

}  // namespace rekeyd::providers::azure

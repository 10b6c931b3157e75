#pragma once
#include "tests/simulator/ibm/refusal.hpp"
#include "tests/simulator/ibm/token_authority.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json/fwd.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::ibm {

/// An authenticated request on its way to an operation.
struct Call {
  Request const& request;
  Target const& target;
  Identity const& caller;
  Instant now;
  std::vector<std::string> captures;  ///< What stood in the route's `{}`.

  /// X-Kms-Key-Ring, or empty for every ring.
  std::string_view key_ring() const { return request.header("X-Kms-Key-Ring"); }
  /// Prefer: return=minimal / return=representation, or `otherwise`.
  bool wants_representation(bool otherwise) const;
};

struct Page {
  std::size_t offset{};
  std::size_t limit{};
};
/// limit and offset; outside 1..`most` and 0..: 400.
Granted<Page> page(Call const& call, std::size_t usual, std::size_t most);
/// "true" or "false"; anything else: 400.
Granted<std::optional<bool>> bool_param(Call const& call, std::string_view name);
Granted<bool> flag_param(Call const& call, std::string_view name);

/// The entries of one page.
template <class T>
std::vector<T> cut(std::vector<T> const& all, Page page) {
  auto const first = std::min(page.offset, all.size());
  auto const last = first + std::min(page.limit, all.size() - first);
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)};
}

/// The body as an object that has no other members than these. Names are matched in any case, as the
/// service's decoder does (its Go client sends "Tags"), and come back as spelled here. An empty body, `null`
/// and `{}` give an empty object. Otherwise 400 BAD_BODY_ERR.
Granted<boost::json::object> body_object(std::string_view body,
                                         std::initializer_list<std::string_view> members);
Granted<boost::json::object> strict(boost::json::object const& object,
                                    std::initializer_list<std::string_view> members);
/// The `resources` of a body in the collection envelope, each an object. The number must be the one that the
/// envelope's `collectionTotal` states, if it does.
Granted<std::vector<boost::json::object>> body_resources(std::string_view body);

/// A member of the body: absent is nothing, a wrong type is 400 BAD_BODY_ERR.
Granted<std::optional<std::string>> text_member(boost::json::object const& object, std::string_view name);
Granted<std::optional<bool>> flag_member(boost::json::object const& object, std::string_view name);
Granted<std::optional<std::int64_t>> number_member(boost::json::object const& object, std::string_view name);
Granted<std::vector<std::string>> text_list_member(boost::json::object const& object, std::string_view name);

}  // namespace rekeyd::sim::ibm

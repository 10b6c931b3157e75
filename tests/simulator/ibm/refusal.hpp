#pragma once
#include "tests/simulator/ibm/oddities.hpp"
#include "tests/simulator/service.hpp"

#include <expected>
#include <optional>
#include <string>

namespace rekeyd::sim::ibm {

/// Why an operation is refused, as Key Protect words it. `code` empty: the answer has no reasons, as with
/// most 401s and wherever the service's code is not known.
struct Refusal {
  struct Target {
    std::string type;  ///< "field" or "query_param".
    std::string name;
  };
  unsigned status{400};
  std::string code;
  std::string message;
  std::optional<Target> target;
};

template <class T>
using Granted = std::expected<T, Refusal>;
using Outcome = Granted<Answer>;

/// A Refusal ready to return from a function with an Outcome or Granted<T>.
std::unexpected<Refusal> refuse(unsigned status, std::string code, std::string message);
std::unexpected<Refusal> refuse_field(std::string field, std::string message);
std::unexpected<Refusal> refuse_query(std::string parameter, std::string message);

/// Refusals that many operations share.
std::unexpected<Refusal> refuse_body(std::string message);   ///< 400 BAD_BODY_ERR
std::unexpected<Refusal> refuse_unknown_key();               ///< 404 KEY_NOT_FOUND_ERR
std::unexpected<Refusal> refuse_standard_key();              ///< 400 KEY_ROOT_REQ_ERR
std::unexpected<Refusal> refuse_state();                     ///< 409 KEY_ACTION_INVALID_STATE_ERR
std::unexpected<Refusal> refuse_deleted_key();               ///< 410 KEY_DELETED_ERR
std::unexpected<Refusal> refuse_until(std::string message);  ///< 409 REQ_TOO_EARLY_ERR

/// The error body of the service: `subject` ("Key could not be rotated") is the operation's.
Answer to_answer(Refusal const& refusal, std::string_view subject, Oddities const& oddities);

/// The error of a call that never got as far as an operation: no reasons, no subject.
Answer unauthorized();

}  // namespace rekeyd::sim::ibm

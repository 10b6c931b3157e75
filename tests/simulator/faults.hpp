#pragma once
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

/// The ways in which a cloud fails, for every service.
namespace rekeyd::sim {

class Mistakes;
class Randomness;

/// What happens to the connection.
enum class Cut {
  none,
  before,    ///< Reset before the request reached the service: it took no effect.
  after,     ///< Reset after the request took effect, before the first byte of the answer.
  mid_body,  ///< Reset in the middle of the answer's body, after it took effect.
};

/// An answer and how it travels. The model decides; the server, or a test's transport, carries it out.
struct Delivery {
  Answer answer;
  std::chrono::milliseconds delay{0};  ///< Before the first byte of the answer (or the reset).
  Cut cut{Cut::none};
};

enum class FaultKind {
  latency,  ///< The answer comes `delay_ms` later.
  refuse,   ///< The service's own `status` (429, 500, 502, 503), with `retry_after` if given; no effect.
  reset_before,
  reset_after,
  truncate,        ///< Content-Length promises more than comes.
  malformed_json,  ///< 200 with JSON that breaks off; the request took effect.
  html,            ///< 200 with a proxy's HTML page; the request took effect.
  huge_body,       ///< 200 with 10 MB of JSON; the request took effect.
  wrong_type,      ///< The right body under Content-Type: text/plain.
  expired_token,   ///< The service takes the token for expired.
  lag,             ///< What the request makes is seen `lag_s` seconds later; a GET sees what was `lag_s` ago.
};

/// A rule: which requests, how often, what happens.
struct FaultRule {
  FaultKind kind{};
  std::string host{"*"};  ///< Shell pattern over the host name.
  std::string method{"*"};
  std::string path{"*"};  ///< Shell pattern over the path without query.
  double probability{1.0};
  std::uint64_t skip{0};               ///< So many matching requests pass first: skip 2 hits the third.
  std::optional<std::uint64_t> times;  ///< Ends after so many hits; nothing: never.

  unsigned status{503};  ///< refuse
  std::string
      retry_after;  ///< refuse: seconds ("5"), an HTTP date, "date:5" (now + 5 s as a date), or empty.
  std::chrono::milliseconds delay{0};  ///< latency
  std::chrono::seconds lag{0};         ///< lag
};

/// The name in world files and at the control host: "latency", "refuse", "reset-before", ...
char const* to_text(FaultKind kind);
/// From JSON: one object with a rule's fields or a list of such, or what is wrong with them. The fields are
/// those of a world file's `faults:` (tests/simulator/README.md).
std::expected<std::vector<FaultRule>, std::string> faults_from_json(std::string const& body);

/// The rules in force. Several may hit one request: latency adds up, of the others the first in order wins.
class FaultRules {
 public:
  void add(FaultRule rule) { rules_.push_back({std::move(rule), 0, 0}); }
  void clear() { rules_.clear(); }
  boost::json::value state() const;

  struct Verdict {
    std::chrono::milliseconds delay{0};
    std::optional<FaultRule> fault;
  };
  /// Counts the request against every rule that matches it.
  Verdict judge(Request const& request, Randomness& random);

 private:
  struct Active {
    FaultRule rule;
    std::uint64_t seen;
    std::uint64_t hits;
  };
  bool hits(Active& active, Request const& request, std::string const& path, Randomness& random);
  std::vector<Active> rules_;
};

/// The `faults:` list of a world file.
std::vector<FaultRule> read_faults(YAML::Node const& list, Mistakes& mistakes);

}  // namespace rekeyd::sim

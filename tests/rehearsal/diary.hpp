#pragma once
#include "daemon/control/report.hpp"
#include "policy/history_event.hpp"
#include "storage/store.hpp"
#include "tests/rehearsal/findings.hpp"
#include "tests/rehearsal/known_state.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rekeyd::rehearsal {

/// Writes down what happens in a rehearsal: from what the daemon makes durable, and from what it says of its
/// keys when somebody looks.
class Diary {
 public:
  Diary(KnownState const& state, Instant from, std::chrono::seconds overdue_after);

  /// It became durable.
  void committed(storage::Change const& change);
  /// Somebody looks at all keys. What waits between two looks and no longer is not seen.
  void looked(std::vector<daemon::KeyReport> const& keys, Instant now);
  /// One life of the daemon is over: the calls that it made count together.
  void life_over(std::vector<daemon::ProviderReport> const& providers);

  std::size_t rotations_begun() const { return begun_; }
  /// Closes it with what the daemon says at the end.
  Findings closed(std::vector<daemon::KeyReport> const& keys, PolicySet const& policies, Instant now);

 private:
  using Reason = std::pair<WaitsFor, std::string>;
  struct Waiting {
    Reason reason;
    Instant since;
  };
  struct OfKey {
    std::size_t times{};
    HistoryEvent first;
  };

  void note(Rotation const& rotation);
  void note(HistoryEvent const& event);
  void note_wait(Reason const& reason, std::string const& key, std::string const& sentence, Instant from,
                 Instant to);
  std::string name_of(KeyRef const& key) const;

  void close_rotations(Findings& findings) const;
  void close_key(daemon::KeyReport const& key, Instant now, Findings& findings) const;
  void close_policies(std::vector<daemon::KeyReport> const& keys, PolicySet const& policies,
                      Findings& findings) const;
  void close_by_key(Findings& findings) const;

  Instant from_;
  std::chrono::seconds overdue_after_;
  std::size_t begun_{};
  std::map<std::string, std::string> names_;  ///< Key → name.
  std::map<std::string, RehearsedRotation> rotations_;
  std::map<std::pair<std::string, Instant>, RehearsedHold> holds_;  ///< By name and when it was placed.
  std::map<std::string, Waiting> waiting_;                          ///< Key → since when it waits, and why.
  std::map<Reason, std::pair<RehearsedWait, std::set<std::string>>> waits_;  ///< With the keys that waited.
  std::map<std::string, RehearsedProvider> providers_;
  std::map<std::string, OfKey> refused_, drifted_;
};

}  // namespace rekeyd::rehearsal

#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/kms_provider.hpp"
#include "providers/machine.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::providers {

/// Which resources use the root keys that we know, as their provider shows them now.
struct ResourceSurvey {
  std::vector<Registration> resources;  ///< By key, then resource.
  std::vector<Error> defects;           ///< Entries that could not be read: those fail, the others are good.
};

/// A change of key version that a resource's provider has taken on.
struct ChangeTicket {
  std::string
      operation;  ///< Where its provider tells how it goes; opaque. Empty: it is over, or nobody tells.
  std::chrono::seconds ask_after{};  ///< 0: its provider names no pause.
  Evidence evidence;
};

struct ChangeProgress {
  enum class State {
    under_way,
    done,
    failed,
    forgotten,  ///< The provider no longer knows the operation: only the resource tells.
  };
  State state{State::under_way};
  std::chrono::seconds ask_after{};  ///< 0: its provider names no pause.
  std::optional<Error> error{};      ///< When it failed.
};

/// The resources of one provider instance that are encrypted under root keys and learn of a new key version
/// from whoever tells them. Reads and changes may be repeated: what is asked for is a state, not a
/// difference.
class ResourceController {
 public:
  virtual ~ResourceController() = default;
  /// How the id of anything begins that it could look after: for finding them in the store.
  virtual std::string id_prefix() const = 0;
  /// Is the resource within the scopes that this instance looks through?
  virtual bool looks_after(ResourceId const& resource) const = 0;
  /// Can resources of this kind use the key at all?
  virtual bool may_use(KeyRef const& key) const = 0;
  /// Every resource in these scopes that uses a root key of a configured vault.
  virtual boost::asio::awaitable<Result<ResourceSurvey>> survey(Clock::Mono deadline) = 0;
  /// One resource now. not_found: it is gone, or uses no root key that we know.
  virtual boost::asio::awaitable<Result<Registration>> describe(ResourceId resource,
                                                                Clock::Mono deadline) = 0;
  /// Is everything there that the resource needs before `version` of `key` can be named to it? Always, for
  /// most kinds; Azure SQL has to be given the version first.
  virtual boost::asio::awaitable<Result<bool>> is_prepared(ResourceId resource, KeyRef key, VersionId version,
                                                           Clock::Mono deadline) = 0;
  /// Puts it there; what protects the resource stays as it is. Its answer may come long before that is done.
  virtual boost::asio::awaitable<Result<ChangeTicket>> prepare(ResourceId resource, KeyRef key,
                                                               VersionId version, Clock::Mono deadline) = 0;
  /// Names `version` of `key` to the resource. Its answer may come long before the change is done.
  virtual boost::asio::awaitable<Result<ChangeTicket>> move(ResourceId resource, KeyRef key,
                                                            VersionId version, Clock::Mono deadline) = 0;
  /// How a change goes that move() began, in this life or an earlier one.
  virtual boost::asio::awaitable<Result<ChangeProgress>> progress(std::string operation,
                                                                  Clock::Mono deadline) = 0;
  /// How long after a new version became current a resource that follows by itself may take.
  virtual std::chrono::seconds following_lag(Registration const& resource) const = 0;

  /// Is it a machine, of all that lives on a resource?
  virtual bool is_machine(ResourceId const& tied) const = 0;
  /// What the key's current version lacks without which nothing on the resource would run again; empty:
  /// nothing. A clause each: "is not exportable".
  virtual std::vector<std::string> shortcomings(RootKey const& key, Registration const& resource) const = 0;

  /// Every machine that lives on the resource, whether it may be stopped or not; by id. An error when one of
  /// them cannot be read: it might be the one that runs.
  virtual boost::asio::awaitable<Result<std::vector<Machine>>> machines(ResourceId resource,
                                                                        Clock::Mono deadline) = 0;
  virtual boost::asio::awaitable<Result<Machine>> machine(ResourceId machine, Clock::Mono deadline) = 0;
  /// Brings a machine to rest; one that is at rest already is none the worse for it.
  virtual boost::asio::awaitable<Result<ChangeTicket>> stop(ResourceId machine, Clock::Mono deadline) = 0;
  virtual boost::asio::awaitable<Result<ChangeTicket>> start(ResourceId machine, Clock::Mono deadline) = 0;
  /// What would stop us half-way in changing the resource and stopping and starting these machines: locks and
  /// missing rights. Empty: nothing is known to.
  virtual boost::asio::awaitable<Result<std::vector<ResourceCondition>>> hindrances(
      ResourceId resource, std::vector<ResourceId> machines, Clock::Mono deadline) = 0;
};

}  // namespace rekeyd::providers

#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace rekeyd::providers {

struct DekReplacement {
  WrappedDek before;  ///< What must be there now, compared by ciphertext and version.
  WrappedDek after;
};

/// Something in a store that is not a wrapped DEK, or cannot be read. Reported, never changed.
struct DekDefect {
  std::string place;  ///< A file with line, a row.
  std::string what;
};

struct DekPage {
  std::vector<WrappedDek> deks;
  std::string next;  ///< Opaque cursor; empty at the end.
};

/// Where an application keeps wrapped DEKs.
class DekStore {
 public:
  virtual ~DekStore() = default;
  virtual DekStoreName const& name() const = 0;

  /// The WDEKs of `key`, at most `limit` a page, in an order that stays the same between calls. Start with an
  /// empty cursor. An error means that WDEKs may be missing from the answer: nobody may conclude that none
  /// are left on an old key version. Their `key` is the `key` that was asked for.
  virtual boost::asio::awaitable<Result<DekPage>> walk(KeyRef key, std::string cursor, std::size_t limit) = 0;
  /// How many WDEKs of `key` are not on `target`, by what the store holds now: what changed since it was last
  /// read is read again. An error, as with walk(), means that some may be missing from the count.
  virtual boost::asio::awaitable<Result<std::size_t>> left_behind(KeyRef key, VersionId target) = 0;
  /// Replaces each by compare-and-swap, durably before it completes. One result for each, in order: conflict
  /// when `before` is no longer there. An application that reads at any moment sees the old or the new whole.
  /// An error with delivery refused left the old one; maybe_applied: the new one is there, but may not
  /// survive a power cut.
  virtual boost::asio::awaitable<std::vector<Result<void>>> replace(std::vector<DekReplacement> batch) = 0;
  /// Whether the WDEKs of `key` could be replaced now, tried as far as no application can see it. The error
  /// says what stands in the way; success promises nothing for later.
  virtual boost::asio::awaitable<Result<void>> rehearse(KeyRef key) = 0;
  /// What walking has found wrong so far, newest reading.
  virtual std::vector<DekDefect> defects() const = 0;
};

}  // namespace rekeyd::providers

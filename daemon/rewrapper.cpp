#include "daemon/rewrapper.hpp"

#include "daemon/gather.hpp"
#include "daemon/journal.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <exception>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::size_t batch_size = 200;
constexpr std::size_t calls_at_once = 32;
constexpr std::size_t refusals_told_max = 100;
constexpr auto call_patience = std::chrono::minutes(3);

/// Trouble concerns the provider or the store as a whole: the walk stops. Anything else is about one DEK.
bool is_trouble(Error const& error) {
  return error.error_class == ErrorClass::transient || error.error_class == ErrorClass::access ||
         error.error_class == ErrorClass::storage || error.error_class == ErrorClass::cancelled;
}

/// An answer that nobody can read says nothing about the WDEK: it is asked for again, later.
bool is_unreadable(Error const& error) { return error.error_class == ErrorClass::malformed; }

Error deks_differ(WrappedDek const& dek) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "the DEK unwrapped from the new wrapping is not the DEK of the old one";
  error.where = dek.key.text() + " " + dek.id.str();
  error.remedy = "nothing was replaced; report this to the provider and to rekeyd's maintainers";
  return error;
}

Error not_read(DekStoreName const& store) {
  Error error;
  error.error_class = ErrorClass::cancelled;
  error.what = "the reading of wrapped DEKs was cut short";
  error.where = "dek store " + store.str();
  error.remedy = "nothing: they are read again";
  return error;
}

Error not_put_back(DekStoreName const& store) {
  Error error;
  error.error_class = ErrorClass::storage;
  error.what = "a batch of re-wrapped DEKs was not put back to its end";
  error.where = "dek store " + store.str();
  error.remedy = "see the log; what was not replaced keeps its old wrapping and is tried again";
  return error;
}

}  // namespace

/// Who unwraps what is there, and who wraps it anew: one and the same, but in a replacement.
struct Rewrapper::Keepers {
  providers::KmsProvider& from;
  providers::KmsProvider& to;
};

/// WDEKs of one store that are on their way together.
struct Rewrapper::Batch {
  Batch(Rotation const& of, providers::DekStore& in, Keepers by, bool crosses, bool at_service)
      : rotation(of),
        store(in),
        keepers(by),
        target(*of.new_version),
        to_another_key(crosses),
        wrap_at_service(at_service) {}

  Rotation const& rotation;
  providers::DekStore& store;
  Keepers keepers;
  VersionId target;
  bool to_another_key;
  bool wrap_at_service;
  std::vector<WrappedDek> before;
  std::vector<std::optional<Result<providers::Rewrapped>>> after;
  std::size_t tried{};  ///< So many, from the first, have been re-wrapped or refused.
};

asio::awaitable<RewrapSummary> Rewrapper::run(Rotation const& rotation, WrapBy wrap) {
  RewrapSummary summary;
  std::vector<KeyRef> keys{rotation.key};
  if (rotation.successor) keys.push_back(*rotation.successor);
  for (KeyRef const& key : keys) {
    for (auto const& store : world_.dek_stores) {
      co_await walk_store(*store, rotation, key, wrap, summary);
      if (summary.trouble || summary.stopped) co_return summary;
    }
  }
  co_return summary;
}

/// A walk over one store: one batch is with the provider while the one before is put back, and the one after
/// has been read.
struct Rewrapper::Walk {
  Walk(Rotation const& of, KeyRef whose, providers::DekStore& in, Keepers by, bool at_service,
       RewrapSummary& into, asio::any_io_executor const& executor)
      : rotation(of),
        key(std::move(whose)),
        store(in),
        keepers(by),
        wrap_at_service(at_service),
        summary(into),
        reading(executor),
        page(std::unexpected(not_read(in.name()))),
        putting_back(executor) {}

  Rotation const& rotation;
  KeyRef key;  ///< Whose WDEKs are walked.
  providers::DekStore& store;
  Keepers keepers;
  bool wrap_at_service;
  RewrapSummary& summary;
  TaskGroup reading;                ///< At most one page.
  Result<providers::DekPage> page;  ///< What was read last; taken from here.
  TaskGroup putting_back;           ///< At most one batch.
  bool is_back{true};               ///< The last batch that was to be put back came through.
  bool next_waits{
      false};  ///< The next batch is ready to be put back: what came of this one is recorded with it.
  storage::Change untold;  ///< What came of the last batch, to be recorded next.
};

asio::awaitable<void> Rewrapper::walk_store(providers::DekStore& store, Rotation const& rotation, KeyRef from,
                                            WrapBy wrap, RewrapSummary& summary) {
  Keepers const keepers{*world_.provider(from.provider)->kms,
                        *world_.provider(target_key(rotation).provider)->kms};
  bool const at_service = wrap == WrapBy::service;
  Walk walk(rotation, std::move(from), store, keepers, at_service, summary, world_.executor);
  std::exception_ptr cut_short;
  try {
    co_await walk_pages(walk);
  } catch (...) {
    cut_short = std::current_exception();
  }
  // Whatever ended the walk: what is being put back comes to its end, and on record.
  bool const throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await settle(walk);
  co_await asio::this_coro::throw_if_cancelled(throws);
  if (cut_short) std::rethrow_exception(cut_short);
}

asio::awaitable<void> Rewrapper::walk_pages(Walk& walk) {
  RewrapSummary& summary = walk.summary;
  walk.reading.spawn(read_page(walk, std::string()), "reading wrapped DEKs");
  for (bool more = true; more && !summary.trouble && !summary.stopped;) {
    co_await walk.reading.joined();
    Result<providers::DekPage> page = std::exchange(walk.page, std::unexpected(not_read(walk.store.name())));
    if (!page) {
      summary.trouble = page.error();
      co_return;
    }
    // A store does one thing after the other: what is asked now need not wait for the return of this page.
    more = !page->next.empty();
    if (more) walk.reading.spawn(read_page(walk, page->next), "reading wrapped DEKs");
    std::shared_ptr<Batch> const batch = batch_of(walk, *std::move(page));
    if (!batch->before.empty()) co_await move(walk, batch);
    if (stop_.requested) summary.stopped = true;
  }
}

asio::awaitable<void> Rewrapper::read_page(Walk& walk, std::string cursor) {
  Result<providers::DekPage> page = co_await walk.store.walk(walk.key, std::move(cursor), batch_size);
  walk.page = std::move(page);
}

/// What of a page is not on the target version yet.
std::shared_ptr<Rewrapper::Batch> Rewrapper::batch_of(Walk& walk, providers::DekPage page) {
  bool const crosses = walk.key != target_key(walk.rotation);
  auto batch =
      std::make_shared<Batch>(walk.rotation, walk.store, walk.keepers, crosses, walk.wrap_at_service);
  for (WrappedDek& dek : page.deks) {
    if (!crosses && dek.version == batch->target) {
      ++walk.summary.already_current;
    } else {
      batch->before.push_back(std::move(dek));
    }
  }
  return batch;
}

/// Re-wraps a batch and sets its return going, after the one before is back.
asio::awaitable<void> Rewrapper::move(Walk& walk, std::shared_ptr<Batch> batch) {
  batch->after.resize(batch->before.size());
  std::optional<Error> const unproved = co_await prove_first(*batch);
  if (unproved) {
    walk.summary.trouble = unproved;
    co_return;
  }
  std::size_t const tried = batch->tried;
  IndexedTask const rest = [this, batch, tried](std::size_t i) { return rewrap_one(*batch, tried + i); };
  co_await gather(batch->before.size() - tried, calls_at_once, rest);
  Sorted sorted = sort_out(*batch, walk.summary);
  walk.next_waits = true;
  co_await walk.putting_back.joined();
  walk.next_waits = false;
  if (!walk.is_back) co_return;
  walk.is_back = false;
  walk.putting_back.spawn(put_back(walk, batch, std::move(sorted)), "putting back wrapped DEKs");
}

asio::awaitable<void> Rewrapper::settle(Walk& walk) {
  walk.next_waits = false;
  co_await walk.reading.joined();
  co_await walk.putting_back.joined();
  if (!walk.untold.events.empty()) co_await record(walk);
  if (!walk.is_back && !walk.summary.trouble) walk.summary.trouble = not_put_back(walk.store.name());
}

/// The first of the batch that can be re-wrapped at all stands for the rest: same key, same versions, same
/// call. Those before it are refused, each by itself, and prove nothing.
asio::awaitable<std::optional<Error>> Rewrapper::prove_first(Batch& batch) {
  for (; batch.tried < batch.before.size(); ++batch.tried) {
    co_await rewrap_one(batch, batch.tried);
    Result<providers::Rewrapped> const& first = *batch.after[batch.tried];
    if (first) {
      std::optional<Error> unproved = co_await compare_deks(batch, batch.tried);
      ++batch.tried;
      co_return unproved;
    }
    if (is_trouble(first.error()) || is_unreadable(first.error())) co_return first.error();
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Error>> Rewrapper::compare_deks(Batch& batch, std::size_t index) {
  WrappedDek const& before = batch.before[index];
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Secret> const now =
      co_await batch.keepers.to.unwrap((*batch.after[index])->dek, deadline);
  if (!now) co_return now.error();
  Result<providers::Secret> const then = co_await batch.keepers.from.unwrap(before, deadline);
  if (!then) co_return then.error();
  if (!now->same_as(*then)) co_return deks_differ(before);
  co_return std::nullopt;
}

asio::awaitable<void> Rewrapper::rewrap_one(Batch& batch, std::size_t index) {
  if (batch.to_another_key) {
    Result<providers::Rewrapped> moved = co_await wrap_under_successor(batch, batch.before[index]);
    batch.after[index] = std::move(moved);
    co_return;
  }
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Rewrapped> moved =
      co_await batch.keepers.to.rewrap(batch.before[index], batch.target, batch.wrap_at_service, deadline);
  batch.after[index] = std::move(moved);
}

/// No service re-wraps from one key to another: the DEK passes through our wiped memory.
asio::awaitable<Result<providers::Rewrapped>> Rewrapper::wrap_under_successor(Batch& batch,
                                                                              WrappedDek before) {
  auto deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Secret> dek = co_await batch.keepers.from.unwrap(before, deadline);
  if (!dek) co_return std::unexpected(std::move(dek.error()));
  before.key = target_key(batch.rotation);
  before.version = batch.target;
  deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Rewrapped> wrapped =
      co_await batch.keepers.to.wrap(*std::move(dek), std::move(before), batch.wrap_at_service, deadline);
  co_return wrapped;
}

/// What came of each rewrap: a replacement to make, a refusal to tell, or trouble that ends the walk.
Rewrapper::Sorted Rewrapper::sort_out(Batch const& batch, RewrapSummary& summary) {
  Instant const now = world_.clock.wall_now();
  Sorted sorted;
  for (std::size_t i = 0; i < batch.before.size(); ++i) {
    Result<providers::Rewrapped> const& moved = *batch.after[i];
    if (moved) {
      sorted.kept.previous_deks.push_back(
          {batch.store.name(), batch.before[i], batch.target, batch.rotation.id, now});
      sorted.replacements.push_back({batch.before[i], moved->dek});
    } else if (is_trouble(moved.error())) {
      summary.trouble = moved.error();
    } else if (is_unreadable(moved.error())) {
      summary.unreadable = moved.error();
    } else {
      if (!summary.first_refusal) summary.first_refusal = moved.error();
      if (++summary.refused <= refusals_told_max) {
        sorted.kept.events.push_back(refusal_event(batch, batch.before[i], moved.error(), now));
      }
    }
  }
  return sorted;
}

HistoryEvent Rewrapper::refusal_event(Batch const& batch, WrappedDek const& dek, Error const& error,
                                      Instant at) {
  HistoryEvent event =
      event_of(batch.rotation, EventKind::dek_refused, dek.id.str() + ": " + to_text(error), at);
  event.outcome = EventOutcome::failed;
  event.version = dek.version;
  event.error_code = error.code;
  event.request_id = error.request_id;
  event.details["dek_store"] = batch.store.name().str();
  return event;
}

/// Once begun it comes to its end.
asio::awaitable<void> Rewrapper::put_back(Walk& walk, std::shared_ptr<Batch> batch, Sorted sorted) {
  co_await asio::this_coro::throw_if_cancelled(false);
  storage::append(walk.untold, std::move(sorted.kept));
  // The previous WDEKs are durable before any of them is replaced.
  bool const kept = co_await record(walk);
  if (!kept) co_return;
  bool whole = true;
  if (!sorted.replacements.empty()) {
    std::size_t const replaced = co_await replace(walk, std::move(sorted.replacements), whole);
    walk.untold = replaced_event(*batch, replaced);
    bool told = true;
    if (!walk.next_waits) told = co_await record(walk);
    if (!told) co_return;
  }
  walk.is_back = whole;
}

/// How many were replaced. `whole` becomes false when one could not be, for another reason than that it is
/// not there any more.
asio::awaitable<std::size_t> Rewrapper::replace(Walk& walk,
                                                std::vector<providers::DekReplacement> replacements,
                                                bool& whole) {
  std::size_t replaced = 0;
  std::vector<Result<void>> const results = co_await walk.store.replace(std::move(replacements));
  for (Result<void> const& result : results) {
    if (result) {
      ++replaced;
    } else if (result.error().error_class == ErrorClass::conflict ||
               result.error().error_class == ErrorClass::not_found) {
      ++walk.summary.changed;
    } else {
      walk.summary.trouble = result.error();
      whole = false;
    }
  }
  walk.summary.rewrapped += replaced;
  co_return replaced;
}

storage::Change Rewrapper::replaced_event(Batch const& batch, std::size_t replaced) {
  HistoryEvent event =
      event_of(batch.rotation, EventKind::deks_rewrapped,
               fmt::format("{} wrapped DEKs of store {} moved", replaced, batch.store.name().str()),
               world_.clock.wall_now());
  event.version = batch.target;
  event.details["dek_store"] = batch.store.name().str();
  event.details["count"] = std::to_string(replaced);
  if (Result<providers::Rewrapped> const& first = *batch.after.front()) add_evidence(event, first->evidence);
  storage::Change change;
  change.events.push_back(std::move(event));
  return change;
}

/// Puts what is untold on record. False, and trouble for the walk: it is not.
asio::awaitable<bool> Rewrapper::record(Walk& walk) {
  storage::Change change = std::exchange(walk.untold, {});
  Result<void> const written = co_await group_.commit(std::move(change));
  if (!written) walk.summary.trouble = written.error();
  co_return written.has_value();
}

asio::awaitable<Result<std::size_t>> Rewrapper::left_behind(KeyRef key, VersionId target) {
  std::size_t count = 0;
  for (auto const& store : world_.dek_stores) {
    Result<std::size_t> const here = co_await store->left_behind(key, target);
    if (!here) co_return here;
    count += *here;
  }
  co_return count;
}

}  // namespace rekeyd::daemon

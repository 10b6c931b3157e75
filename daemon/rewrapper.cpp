#include "daemon/rewrapper.hpp"

#include "daemon/gather.hpp"
#include "daemon/journal.hpp"

#include <fmt/format.h>

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

Error deks_differ(WrappedDek const& dek) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "the DEK unwrapped from the new wrapping is not the DEK of the old one";
  error.where = dek.key.text() + " " + dek.id.str();
  error.remedy = "nothing was replaced; report this to the provider and to rekeyd's maintainers";
  return error;
}

}  // namespace

/// WDEKs of one store that are on their way together.
struct Rewrapper::Batch {
  Rotation const& rotation;
  providers::DekStore& store;
  providers::KmsProvider& kms;
  VersionId target;
  bool wrap_at_service;
  std::vector<WrappedDek> before;
  std::vector<std::optional<Result<providers::Rewrapped>>> after;
  std::size_t tried{};  ///< So many, from the first, have been re-wrapped or refused.
};

asio::awaitable<RewrapSummary> Rewrapper::run(Rotation const& rotation, WrapBy wrap) {
  RewrapSummary summary;
  for (auto const& store : world_.dek_stores) {
    co_await walk_store(*store, rotation, wrap, summary);
    if (summary.trouble || summary.stopped) break;
  }
  co_return summary;
}

asio::awaitable<void> Rewrapper::walk_store(providers::DekStore& store, Rotation const& rotation, WrapBy wrap,
                                            RewrapSummary& summary) {
  ProviderInstance* const instance = world_.provider(rotation.key.provider);
  std::string cursor;
  do {
    Result<providers::DekPage> page = co_await store.walk(rotation.key, cursor, batch_size);
    if (!page) {
      summary.trouble = page.error();
      co_return;
    }
    cursor = page->next;
    Batch batch{rotation, store, *instance->kms, *rotation.new_version, wrap == WrapBy::service, {}, {}, 0};
    for (WrappedDek& dek : page->deks) {
      if (dek.version == batch.target) {
        ++summary.already_current;
      } else {
        batch.before.push_back(std::move(dek));
      }
    }
    if (!batch.before.empty()) co_await move(batch, summary);
    if (stop_.requested) summary.stopped = true;
  } while (!cursor.empty() && !summary.trouble && !summary.stopped);
}

asio::awaitable<void> Rewrapper::move(Batch& batch, RewrapSummary& summary) {
  batch.after.resize(batch.before.size());
  std::optional<Error> const unproved = co_await prove_first(batch);
  if (unproved) {
    summary.trouble = unproved;
    co_return;
  }
  std::size_t const tried = batch.tried;
  IndexedTask const rest = [this, &batch, tried](std::size_t i) { return rewrap_one(batch, tried + i); };
  co_await gather(batch.before.size() - tried, calls_at_once, rest);
  co_await put_back(batch, summary);
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
    if (is_trouble(first.error())) co_return first.error();
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Error>> Rewrapper::compare_deks(Batch& batch, std::size_t index) {
  WrappedDek const& before = batch.before[index];
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Secret> const now = co_await batch.kms.unwrap((*batch.after[index])->dek, deadline);
  if (!now) co_return now.error();
  Result<providers::Secret> const then = co_await batch.kms.unwrap(before, deadline);
  if (!then) co_return then.error();
  if (!now->same_as(*then)) co_return deks_differ(before);
  co_return std::nullopt;
}

asio::awaitable<void> Rewrapper::rewrap_one(Batch& batch, std::size_t index) {
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Rewrapped> moved =
      co_await batch.kms.rewrap(batch.before[index], batch.target, batch.wrap_at_service, deadline);
  batch.after[index] = std::move(moved);
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

asio::awaitable<void> Rewrapper::put_back(Batch& batch, RewrapSummary& summary) {
  Sorted sorted = sort_out(batch, summary);
  // The previous WDEKs are durable before any of them is replaced.
  if (auto const written = world_.store.commit(sorted.kept); !written) {
    summary.trouble = written.error();
    co_return;
  }
  if (sorted.replacements.empty()) co_return;
  std::size_t replaced = 0;
  std::vector<Result<void>> const results = co_await batch.store.replace(std::move(sorted.replacements));
  for (Result<void> const& result : results) {
    if (result) {
      ++replaced;
    } else if (result.error().error_class == ErrorClass::conflict ||
               result.error().error_class == ErrorClass::not_found) {
      ++summary.changed;
    } else {
      summary.trouble = result.error();
    }
  }
  summary.rewrapped += replaced;
  if (auto const told = tell_replaced(batch, replaced); !told) summary.trouble = told.error();
}

Result<void> Rewrapper::tell_replaced(Batch const& batch, std::size_t replaced) {
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
  return world_.store.commit(change);
}

asio::awaitable<Result<std::size_t>> Rewrapper::left_behind(KeyRef key, VersionId target) {
  std::size_t count = 0;
  for (auto const& store : world_.dek_stores) {
    std::string cursor;
    do {
      Result<providers::DekPage> page = co_await store->walk(key, cursor, batch_size);
      if (!page) co_return std::unexpected(page.error());
      cursor = page->next;
      for (WrappedDek const& dek : page->deks) {
        if (dek.version != target) ++count;
      }
    } while (!cursor.empty());
  }
  co_return count;
}

}  // namespace rekeyd::daemon

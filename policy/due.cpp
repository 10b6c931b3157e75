#include "policy/due.hpp"

#include "policy/provider_rotation.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace rekeyd {

namespace {

// FNV-1a followed by the finaliser of splitmix64: a stable, well-mixed number from text. Written out here
// because std::hash may differ between libraries and runs, and due dates must not.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char const c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  hash ^= hash >> 30;
  hash *= 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 27;
  hash *= 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

std::vector<Instant> creation_times(std::span<KeyVersion const> versions) {
  std::vector<Instant> created;
  created.reserve(versions.size());
  for (KeyVersion const& version : versions) created.push_back(version.created);
  return created;
}

/// The chain of calendar dates that a key's versions aim at, as a function of how many intervals lie ahead.
struct Chain {
  Instant from;
  unsigned anchor;
  AppliedPolicy const& applied;
  KeyRef const& key;

  Instant date(int intervals) const {
    Instant const calendar =
        add_months(from, intervals * applied.every.count(), anchor, applied.policy->zone);
    return calendar + spread_offset(key, calendar, applied.policy->spread);
  }
};

Chain chain_of(AppliedPolicy const& applied, KeyRef const& key, std::span<KeyVersion const> versions) {
  std::vector<Instant> const created = creation_times(versions);
  return {created.back(), anchor_day(created, applied.every, applied.policy->zone), applied, key};
}

std::optional<ProviderDate> provider_date_of(AppliedPolicy const& applied, RootKey const& key,
                                             Instant created) {
  if (applied.mode != Mode::delegate || !key.provider_rotation) return std::nullopt;
  return provider_date(*key.provider_rotation, created);
}

}  // namespace

std::chrono::seconds spread_offset(KeyRef const& key, Instant calendar_date, std::chrono::seconds spread) {
  if (spread.count() <= 0) return std::chrono::seconds(0);
  std::uint64_t const draw = stable_hash(key.text() + "@" + to_rfc3339(calendar_date));
  return std::chrono::seconds(draw % static_cast<std::uint64_t>(spread.count()));
}

Instant due_after(AppliedPolicy const& applied, KeyRef const& key, std::span<KeyVersion const> versions,
                  std::size_t number) {
  return chain_of(applied, key, versions).date(static_cast<int>(number));
}

Instant calendar_due_at(AppliedPolicy const& applied, KeyRef const& key,
                        std::span<KeyVersion const> versions) {
  return due_after(applied, key, versions, 1);
}

Instant due_at(AppliedPolicy const& applied, RootKey const& key, std::span<KeyVersion const> versions) {
  auto const provider = provider_date_of(applied, key, versions.back().created);
  return provider ? provider->expected : calendar_due_at(applied, key.ref, versions);
}

std::vector<Instant> due_dates_until(AppliedPolicy const& applied, RootKey const& key,
                                     std::span<KeyVersion const> versions, Instant until) {
  std::vector<Instant> dates;
  // A provider counts from each version anew and remembers no day of the month.
  for (auto next = provider_date_of(applied, key, versions.back().created); next;
       next = provider_date_of(applied, key, next->expected)) {
    if (next->expected > until) return dates;
    dates.push_back(next->expected);
  }
  Chain const chain = chain_of(applied, key.ref, versions);
  for (int n = 1;; ++n) {
    Instant const date = chain.date(n);
    if (date > until) return dates;
    dates.push_back(date);
  }
}

}  // namespace rekeyd

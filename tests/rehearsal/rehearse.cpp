#include "tests/rehearsal/rehearse.hpp"

#include "config/load.hpp"
#include "storage/read_only.hpp"
#include "tests/rehearsal/rehearsal_json.hpp"
#include "tests/rehearsal/rehearsed_world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::rehearsal {

namespace fs = std::filesystem;

namespace {

Error refusal(std::string what, std::string where, std::string remedy) {
  Error error;
  error.what = std::move(what);
  error.where = std::move(where);
  error.remedy = std::move(remedy);
  return error;
}

Result<PolicySet> read_policies(fs::path const& folder) {
  auto loaded = config::load_policies(folder);
  if (loaded.value) return *std::move(loaded.value);
  auto const mistake =
      std::ranges::find(loaded.diagnostics, config::Severity::error, &config::Diagnostic::severity);
  return std::unexpected(refusal("the policies have mistakes: " + config::to_text(*mistake), folder,
                                 fmt::format("see rekeyctl check {}", folder.string())));
}

Result<void> check_beginning(KnownState const& state, Order const& order) {
  if (!state.newest || *state.newest <= order.from) return {};
  return std::unexpected(
      refusal(fmt::format("a rehearsal cannot begin at {}: the database knows of events up to {}",
                          to_rfc3339(order.from), to_rfc3339(*state.newest)),
              order.database, "begin later"));
}

/// The folders tell how many WDEKs there are; where they cannot be read, the journal of earlier re-wraps.
Result<DekCounts> known_deks(Order const& order, KnownState const& state, storage::StoreReader& reader,
                             std::vector<std::string>& notes) {
  DekCounts counts = count_deks(order.settings.dek_stores);
  notes.insert(notes.end(), counts.unread.begin(), counts.unread.end());
  if (counts.unread.empty()) return counts;
  auto const journal = deks_in_journal(reader, state);
  if (!journal) return std::unexpected(journal.error());
  for (auto const& [key, count] : *journal) {
    std::size_t& known = counts.by_key[dek_group(key)];
    known = std::max(known, count);
  }
  notes.emplace_back(
      "where they cannot be counted, there are as many wrapped DEKs of a key in the model as "
      "were re-wrapped before");
  return counts;
}

std::filesystem::path absolute_of(fs::path const& path) { return fs::absolute(path).lexically_normal(); }

}  // namespace

Result<std::string> rehearse(Order order, std::function<void(Instant, std::size_t)> progress) {
  auto reader = storage::open_read_only(order.database);
  if (!reader) return std::unexpected(reader.error());
  auto state = read_state(**reader);
  if (!state) return std::unexpected(state.error());
  if (auto const fits = check_beginning(*state, order); !fits) return std::unexpected(fits.error());

  Play play;
  play.policies_from = order.policies ? absolute_of(*order.policies) : order.settings.policies;
  auto policies = read_policies(play.policies_from);
  if (!policies) return std::unexpected(policies.error());
  Programme programme{.database = order.database, .policies = play.policies_from};
  auto counts = known_deks(order, *state, **reader, programme.notes);
  if (!counts) return std::unexpected(counts.error());
  reader->reset();
  programme.deks_known = counts->total();

  play.state = *std::move(state);
  play.deks = thinned_out(*std::move(counts), order.deks_max);
  play.settings = std::move(order.settings);
  play.policies = *std::move(policies);
  play.from = order.from;
  play.months = order.months;
  play.seed = order.seed;
  play.faults = order.faults;
  RehearsedWorld world(std::move(play));
  world.on_progress = std::move(progress);
  auto const findings = world.live();
  if (!findings) return std::unexpected(findings.error());

  programme.from = order.from;
  programme.until = world.until();
  programme.months = order.months;
  programme.seed = order.seed;
  programme.faults = order.faults;
  programme.deks_modelled = world.deks();
  if (programme.deks_modelled < programme.deks_known) {
    programme.notes.push_back(
        fmt::format("{} of {} wrapped DEKs are in the model: re-wrapping will take longer "
                    "and more calls than here",
                    programme.deks_modelled, programme.deks_known));
  }
  programme.notes.insert(programme.notes.end(), world.notes().begin(), world.notes().end());
  return boost::json::serialize(to_json(programme, *findings));
}

}  // namespace rekeyd::rehearsal

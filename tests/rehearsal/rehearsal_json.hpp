#pragma once
#include "tests/rehearsal/findings.hpp"
#include "tests/rehearsal/troubles.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::rehearsal {

/// What a rehearsal was about: printed with its findings, so that it can be repeated.
struct Programme {
  std::filesystem::path database;
  std::filesystem::path policies;
  Instant from{}, until{};
  unsigned months{};
  std::uint64_t seed{};
  Faults faults{};
  std::size_t deks_known{};     ///< WDEKs that are out there,
  std::size_t deks_modelled{};  ///< and those of the model.
  std::vector<std::string> notes;
};

/// rekeyd.rehearsal/1, docs/rehearsing.md.
boost::json::object to_json(Programme const& programme, Findings const& findings);

}  // namespace rekeyd::rehearsal

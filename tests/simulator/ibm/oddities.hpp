#pragma once
#include "policy/instant.hpp"

#include <string>

namespace rekeyd::sim::ibm {

/// Things that the real service has been seen to do and that a careful client must survive. Each can be
/// chosen per instance; the defaults are what the current documentation shows.
struct Oddities {
  enum class Dates { zulu, offset, fractions, mixed };
  enum class EmptyList { absent, empty_array, null };
  enum class VersionOrder { newest_first, oldest_first, shuffled };

  Dates dates{Dates::zulu};
  EmptyList empty_list{EmptyList::absent};
  VersionOrder version_order{VersionOrder::newest_first};
  bool first_version_is_key_id{true};         ///< CLI transcripts show it; other samples differ.
  bool code_with_leading_blank{false};        ///< "reasons[].code": " KEY_NOT_FOUND_ERR".
  bool reasons_missing{false};                ///< Errors carry errorMsg only.
  bool reason_status_missing{false};          ///< reasons[].status left out.
  bool registrations_without_version{false};  ///< registrations[].keyVersion left out.
  unsigned missing_role_status{403};          ///< 403, or 401 as the error page says.
};

/// The instant in the format of these oddities. In `mixed` the format depends on the instant alone, so an
/// answer is the same each time it is asked for.
std::string to_text(Oddities::Dates dates, Instant instant);

}  // namespace rekeyd::sim::ibm

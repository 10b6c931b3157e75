#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// The hash chain of the history: each event's hash covers the event and the hash before it, so that a row
/// that is changed, taken out, put in or moved breaks the chain from there on. Pure: no database here.
namespace rekeyd::storage {

using Digest = std::array<std::uint8_t, 32>;

/// What the first event is chained to.
inline constexpr Digest chain_start{};

/// One event as it stands in the table history_events, column by column. The texts are exactly the stored
/// bytes; `details` is the JSON text itself, not its meaning.
struct ChainedEvent {
  std::int64_t sequence{};
  std::int64_t at{};  ///< Seconds since 1970, UTC.
  std::string_view kind;
  std::string_view outcome;
  std::optional<std::string_view> provider;
  std::optional<std::string_view> vault;
  std::optional<std::string_view> key_id;
  std::optional<std::string_view> version;
  std::string_view policy;
  std::optional<std::string_view> rotation;
  std::string_view step;
  std::string_view actor;
  std::string_view sentence;
  std::string_view error_code;
  std::string_view request_id;
  std::string_view details;
};

/// The bytes that are hashed for `event`, all numbers big-endian:
///
///     "rekeyd history event 1\n"      23 bytes: what this is, and the version of this layout
///     previous                        32 bytes: the hash of the event before, zeros for the first
///     sequence                         8 bytes, two's complement
///     at                               8 bytes, two's complement
///     14 texts, kind to details, in the order above, each as
///       length in bytes                8 bytes; ff ff ff ff ff ff ff ff for NULL, with nothing after it
///       the bytes
///
/// Replaces `out`, so that one buffer serves a million events.
void canonical_bytes(Digest const& previous, ChainedEvent const& event, std::string& out);

/// SHA-256 over canonical_bytes(). Holds OpenSSL's context and a buffer: make one, use it often. Throws
/// std::runtime_error if OpenSSL has no SHA-256 (a provider configuration without it).
class ChainHasher {
 public:
  ChainHasher();
  ~ChainHasher();
  Digest operator()(Digest const& previous, ChainedEvent const& event);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string bytes_;
};

/// 64 lower-case hex digits.
std::string to_hex(Digest const& digest);
/// 64 hex digits of either case, or nothing.
std::optional<Digest> parse_digest(std::string_view hex);

}  // namespace rekeyd::storage

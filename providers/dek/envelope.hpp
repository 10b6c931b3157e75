#pragma once
#include "policy/key.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

/// The text of one envelope file: one JSON object that holds one wrapped DEK.
///
///     {
///       "rekeyd_envelope": 1,
///       "provider": "azure-prod",              the provider instance's name in rekeyd.yaml
///       "vault": "payments-eu",                vault, HSM pool or service instance
///       "key": "cmk-ledger",                   the root key's id
///       "key_version": "5d1c…",                the provider's id of the version that wrapped it
///       "algorithm": "RSA-OAEP-256",           optional: the provider's word for it
///       "wdek": "bXkgd3JhcHBlZCBrZXk",         as the provider's API carries it (base64 or base64url)
///       "aad": ["tenant-17"],                  optional: strings, in order
///       "anything": "else"                     the application's own; never changed
///     }
///
/// Pure functions: no files here.
namespace rekeyd::providers {

/// Why a text is not an envelope, and where.
struct EnvelopeDefect {
  std::size_t line{1};  ///< From 1.
  std::string what;     ///< What was found and what was expected; never the WDEK itself.
  bool operator==(EnvelopeDefect const&) const = default;
};

/// A stretch of a text, in bytes.
struct TextSpan {
  std::size_t begin{};
  std::size_t end{};
  bool operator==(TextSpan const&) const = default;
};

/// What one file says, and where in its text the values stand that a rewrap changes.
struct Envelope {
  WrappedDek dek;     ///< Without an id: that is the store's.
  TextSpan provider;  ///< Quotes included, as are the next five.
  TextSpan vault;
  TextSpan key;
  TextSpan key_version;
  TextSpan wdek;
  TextSpan algorithm;  ///< Empty (begin == end) when the file has no such member.
  TextSpan wdek_lead;  ///< The white space before the name "wdek": how the file is indented.
};

/// Two references mean the same key here if they differ in letter case only: an application may write an
/// Azure name as the portal shows it, and a DEK that is not found is worse than one that is refused.
std::string group_of(KeyRef const& key);

inline constexpr std::size_t envelope_bytes_max = std::size_t{1} << 20U;

/// Reads one envelope. Strict: UTF-8, one JSON object (RFC 8259, no comments), each of our members at most
/// once and of its type. Members that are not ours may be anything. Never throws for any text.
std::expected<Envelope, EnvelopeDefect> read_envelope(std::string_view text);

/// The same text with the key version, algorithm and ciphertext of `after` in place of the old ones, and with
/// its key where that is another one; every other byte stays. An algorithm that the file did not name is
/// added after "wdek", in the file's own indentation. `envelope` must come from reading just this text.
std::string with_dek(std::string_view text, Envelope const& envelope, WrappedDek const& after);

}  // namespace rekeyd::providers

#include "providers/dek/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Whatever the text: reading never throws, a defect names a line of the text, and a text that was read can be
// given a new DEK that is read back just as it was put in.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace rekeyd::providers;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const envelope = read_envelope(text);
  if (!envelope) {
    std::size_t lines = 1;
    for (char const c : text) lines += c == '\n' ? 1U : 0U;
    if (envelope.error().line < 1 || envelope.error().line > lines || envelope.error().what.empty())
      std::abort();
    return 0;
  }
  if (with_dek(text, *envelope, envelope->dek).empty()) std::abort();
  rekeyd::WrappedDek after = envelope->dek;
  after.version = rekeyd::VersionId("new \"version\" \\ of it");
  after.algorithm = "RSA-OAEP-256";
  after.ciphertext = "bmV3_-+/=";
  auto const again = read_envelope(with_dek(text, *envelope, after));
  // A text at the limit may have grown over it; anything else must be read back.
  if (!again) return size + 128 > envelope_bytes_max ? 0 : (std::abort(), 0);
  if (again->dek != after) std::abort();
  return 0;
}

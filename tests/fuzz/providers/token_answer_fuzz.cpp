// Any bytes as the answer of Entra ID or of a managed identity's service, with any status: a token that fits
// a header, or an error of one line that says whose turn it is. Never a throw.
#include "providers/auth/entra_error.hpp"
#include "providers/auth/managed_identity_error.hpp"
#include "providers/auth/token_request.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace rekeyd;
using namespace rekeyd::providers;

void must(bool holds) {
  if (!holds) std::abort();
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

void judge(Error const& error) {
  must(!error.what.empty() && is_one_line(error.what) && is_one_line(error.code) &&
       is_one_line(error.request_id));
  bool const known = error.error_class == ErrorClass::access || error.error_class == ErrorClass::transient ||
                     error.error_class == ErrorClass::malformed;
  must(known && (error.error_class != ErrorClass::access || !error.remedy.empty()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr std::array<unsigned, 6> statuses{400, 401, 404, 410, 429, 503};
  HttpResponse response;
  response.body = Body(reinterpret_cast<char const*>(data), size);
  response.status = 200;
  if (auto const token = read_token(response, Instant{}, "fuzz")) {
    auto const bearer = token->bearer.reveal();
    must(!bearer.empty() && std::ranges::all_of(bearer, [](char c) { return c > ' ' && c < '\x7f'; }));
    must(token->lifetime.count() > 0 && (!token->refresh_in || token->refresh_in->count() > 0));
  }
  for (auto const status : statuses) {
    response.status = status;
    judge(entra_error(response, "fuzz"));
    judge(managed_identity_error(response, "fuzz"));
  }
  return 0;
}

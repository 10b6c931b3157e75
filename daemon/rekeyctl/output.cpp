#include "daemon/rekeyctl/output.hpp"

#include "daemon/rekeyctl/colour.hpp"
#include "daemon/rekeyctl/json_layout.hpp"
#include "daemon/rekeyctl/table.hpp"

#include <cerrno>
#include <system_error>

#include <unistd.h>

namespace rekeyd::rekeyctl {

namespace {

// 0, or errno.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    ssize_t const written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Output::Output() : colour_(wants_colour(STDOUT_FILENO)) {}

void Output::data(std::string_view text) {
  if (reader_gone_ || !complete_) return;
  int const problem = write_all(STDOUT_FILENO, text);
  if (problem == EPIPE) {
    reader_gone_ = true;
  } else if (problem != 0) {
    complete_ = false;
    words("cannot write to standard output: " + std::generic_category().message(problem));
  }
}

void Output::json(std::string const& text) { data(laid_out_json(text)); }

void Output::words(std::string_view sentence) {
  // There is nobody left to tell if this fails.
  (void)write_all(STDERR_FILENO, "rekeyctl: " + printable(std::string(sentence)) + "\n");
}

}  // namespace rekeyd::rekeyctl

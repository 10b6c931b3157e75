// rekeyctl version: of this program, without asking the daemon.
#include "daemon/rekeyctl/command.hpp"

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  Format format{Format::table};
};

Exit run(Options const& options, Output& out) {
  if (options.format == Format::json) {
    out.json(R"({"schema":"rekeyd.version/1","version":")" REKEYD_VERSION R"("})");
  } else {
    out.data("rekeyctl " REKEYD_VERSION "\n");
  }
  return Exit::well;
}

}  // namespace

void add_version(Commands const& commands) {
  auto const [command, options] = commands.add("version", "The version of rekeyctl", run);
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

// rekeyctl metrics: for Prometheus, by way of its node exporter's textfile collector.
#include "daemon/metrics_text.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
};

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const status = client->status();
  if (!status) return failed(out, status.error());
  auto const resources = client->resources();
  if (!resources) return failed(out, resources.error());
  out.data(daemon::metrics_text(*status, *resources));
  return Exit::well;
}

}  // namespace

void add_metrics(Commands const& commands) {
  auto const [command, options] =
      commands.add("metrics", "What status and resources tell, as metrics in Prometheus' text format", run);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl

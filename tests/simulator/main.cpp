#include "tests/simulator/certificates.hpp"
#include "tests/simulator/cloud.hpp"
#include "tests/simulator/envelope.hpp"
#include "tests/simulator/https_server.hpp"
#include "tests/simulator/world.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>

/// rekeyd-sim: the clouds of a world file over HTTPS. Exit codes: 0 ended by SIGTERM, SIGINT or after making
/// files; 1 the world file, a certificate or the address is no good; 64 wrong usage.
namespace {

namespace sim = rekeyd::sim;

constexpr int wrong_usage = 64;

struct Options {
  std::string listen;
  std::string certificate, key;
  std::string world;
  std::uint64_t seed{1};
  std::string ready_file;
  std::string make_ca;
  std::string write_envelopes;
  unsigned threads{1};
  bool verbose{false};
};

int complain(std::string const& message) {
  fmt::print(stderr, "rekeyd-sim: {}\n", message);
  return 1;
}

rekeyd::Instant now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// "127.0.0.1:8443", or ":0" for any free port on 127.0.0.1. False when it is neither.
bool read_address(std::string const& text, sim::HttpsSettings& settings) {
  auto const colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  if (colon > 0) settings.address = text.substr(0, colon);
  char const* const first = text.data() + colon + 1;
  char const* const last = text.data() + text.size();
  auto const [end, error] = std::from_chars(first, last, settings.port);
  return error == std::errc() && end == last;
}

void define(CLI::App& app, Options& options) {
  app.add_option("--world", options.world, "World file (YAML): tenants, vaults, instances, keys, faults")
      ->required();
  app.add_option("--listen", options.listen, "ADDRESS:PORT; ':0' is any free port on 127.0.0.1");
  app.add_option("--cert", options.certificate, "Server certificate (PEM)");
  app.add_option("--key", options.key, "Its key (PEM)");
  app.add_option("--seed", options.seed,
                 "The same world, moment and seed give the same identifiers and keys");
  app.add_option("--ready-file", options.ready_file, "Written with the bound port once requests are taken");
  app.add_option("--make-ca", options.make_ca,
                 "Makes ca.pem, server.pem and server.key there, for all names of the world");
  app.add_option("--write-envelopes", options.write_envelopes,
                 "Writes the world's wrapped DEKs there as envelope files");
  app.add_option("--threads", options.threads, "Threads for TLS")->check(CLI::Range(1, 64));
  app.add_flag("--verbose", options.verbose, "One line on stderr for each request");
}

/// Makes the files that were asked for; the reason when that failed.
std::string make_files(Options& options, sim::Cloud& cloud) {
  if (!options.make_ca.empty()) {
    if (auto const made = sim::make_certificates(options.make_ca, cloud.hosts()); !made) return made.error();
    if (options.certificate.empty()) options.certificate = options.make_ca + "/server.pem";
    if (options.key.empty()) options.key = options.make_ca + "/server.key";
  }
  if (!options.write_envelopes.empty()) {
    if (auto const written = sim::write_envelopes(options.write_envelopes, cloud.deks()); !written) {
      return written.error();
    }
  }
  return {};
}

/// Appears whole or not at all: whoever waits for the file may read it at once.
bool announce(std::string const& file, std::uint16_t port) {
  std::string const fresh = file + ".new";
  std::ofstream out(fresh, std::ios::trunc);
  out << port << '\n';
  out.close();
  return out && std::rename(fresh.c_str(), file.c_str()) == 0;
}

sim::Delivery answer(sim::Cloud& cloud, sim::Request request, bool verbose) {
  if (!verbose) return cloud.handle(std::move(request), now());
  std::string const what = fmt::format("{} https://{}{}", request.method, request.authority, request.target);
  auto delivery = cloud.handle(std::move(request), now());
  fmt::print(stderr, "{} -> {}{}\n", what, delivery.answer.status,
             delivery.cut == sim::Cut::none ? "" : " (cut)");
  return delivery;
}

int serve(Options const& options, sim::HttpsSettings settings, sim::Cloud& cloud) {
  settings.certificate = options.certificate;
  settings.key = options.key;
  settings.threads = options.threads;
  bool const verbose = options.verbose;
  sim::HttpsServer server(std::move(settings), [&cloud, verbose](sim::Request request) {
    return answer(cloud, std::move(request), verbose);
  });
  if (!options.ready_file.empty() && !announce(options.ready_file, server.port())) {
    return complain("cannot write " + options.ready_file);
  }
  fmt::print(stderr, "rekeyd-sim: serving {} names on port {}\n", cloud.hosts().size(), server.port());
  server.run();
  return 0;
}

int run(Options options) {
  sim::HttpsSettings settings;
  if (!options.listen.empty() && !read_address(options.listen, settings)) {
    complain("--listen: ADDRESS:PORT was expected, got '" + options.listen + "'");
    return wrong_usage;
  }
  auto const cloud = sim::load_world(options.world, {now(), options.seed});
  if (!cloud) {
    for (auto const& mistake : cloud.error()) fmt::print(stderr, "{}\n", to_text(options.world, mistake));
    return 1;
  }
  if (auto const problem = make_files(options, **cloud); !problem.empty()) return complain(problem);
  if (options.listen.empty()) return 0;
  if (options.certificate.empty() || options.key.empty()) {
    complain("--listen needs --cert and --key, or --make-ca");
    return wrong_usage;
  }
  return serve(options, std::move(settings), **cloud);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One model of the clouds that rekeyd talks to, over HTTPS. See tests/simulator/README.md.");
  Options options;
  define(app, options);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : wrong_usage;
  }
  try {
    return run(std::move(options));
  } catch (std::exception const& error) {
    return complain(error.what());
  }
}

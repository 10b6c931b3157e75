#include "tests/simulator/world.hpp"

#include "tests/simulator/azure/services.hpp"
#include "tests/simulator/cloud.hpp"
#include "tests/simulator/ibm/services.hpp"
#include "tests/simulator/section.hpp"
#include "tests/simulator/seed_context.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace rekeyd::sim {

namespace {

struct PoolSettings {
  std::size_t size{0};
  std::vector<unsigned> bits;
};

PoolSettings read_pool(Section& top) {
  PoolSettings pool;
  auto section = top.section("rsa_pool");
  if (!section) return pool;
  pool.size = static_cast<std::size_t>(section->number("size", 2, 100'000, 8));
  for (auto const& bits : section->texts("bits")) {
    if (bits == "2048" || bits == "3072" || bits == "4096") {
      pool.bits.push_back(static_cast<unsigned>(std::stoul(bits)));
    } else {
      section->mistake("bits", fmt::format("'{}' is not one of 2048, 3072, 4096", bits));
    }
  }
  section->finish();
  return pool;
}

void add_faults(Section& top, Cloud& cloud, Mistakes& mistakes) {
  if (long const delay = top.number("latency_ms", 0, 60'000, 0); delay > 0) {
    FaultRule latency;
    latency.kind = FaultKind::latency;
    latency.delay = std::chrono::milliseconds(delay);
    cloud.faults().add(latency);
  }
  if (!top.has("faults")) return;
  for (auto& rule : read_faults(top.node("faults"), mistakes)) cloud.faults().add(std::move(rule));
}

std::unique_ptr<Cloud> build(YAML::Node const& document, WorldOptions const& options, Mistakes& mistakes) {
  Section top(document, "", mistakes);
  top.word("version", {"1"});
  auto const pool = read_pool(top);
  auto cloud = std::make_unique<Cloud>(options.seed, pool.size);
  if (options.rsa_keys != nullptr) cloud->rsa_keys().adopt(*options.rsa_keys);
  for (unsigned const bits : pool.bits) cloud->rsa_keys().fill(bits);
  SeedContext context{options.now, cloud->random(), cloud->rsa_keys(), mistakes};
  if (top.has("azure")) {
    for (auto& service : azure::make_services(top.node("azure"), context)) cloud->add(std::move(service));
  }
  if (top.has("ibm")) {
    for (auto& service : ibm::make_services(top.node("ibm"), context)) cloud->add(std::move(service));
  }
  add_faults(top, *cloud, mistakes);
  top.finish();
  std::set<std::string> seen;
  for (auto const& host : cloud->hosts()) {
    if (!seen.insert(host).second) mistakes.add({0, 0, "", "two services are named " + host});
  }
  return cloud;
}

}  // namespace

std::expected<std::unique_ptr<Cloud>, std::vector<Mistake>> make_world(std::string const& yaml,
                                                                       WorldOptions const& options) {
  Mistakes mistakes;
  try {
    auto const documents = YAML::LoadAll(yaml);
    if (documents.size() != 1)
      return std::unexpected(std::vector{Mistake{0, 0, "", "one YAML document was expected"}});
    auto cloud = build(documents.front(), options, mistakes);
    if (mistakes.empty()) return cloud;
  } catch (YAML::Exception const& error) {
    mistakes.add(mistake_at(error.mark, "YAML", error.msg));
  }
  return std::unexpected(mistakes.list());
}

std::expected<std::unique_ptr<Cloud>, std::vector<Mistake>> load_world(std::filesystem::path const& file,
                                                                       WorldOptions const& options) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    return std::unexpected(
        std::vector{Mistake{0, 0, "", fmt::format("cannot be read: {}", std::strerror(errno))}});
  return make_world(text.str(), options);
}

}  // namespace rekeyd::sim

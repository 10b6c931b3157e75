#include "daemon/certificate_checks.hpp"

#include "tests/support/client_pem.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace rekeyd;
using namespace rekeyd::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using config::Severity;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

struct Site {
  TemporaryFolder folder;

  std::string write(std::string const& text, fs::perms mode = fs::perms::owner_read) const {
    auto const path = folder.write("app.pem", text);
    fs::permissions(path, mode);
    return path;
  }
  std::vector<config::Diagnostic> check(config::SecretReference pem) const {
    config::Settings settings;
    settings.file = "/etc/rekeyd/rekeyd.yaml";
    config::AzureSettings azure;
    azure.credentials.proof = config::ClientCertificate{std::move(pem)};
    config::ProviderSettings provider;
    provider.name = ProviderName("azure-prod");
    provider.cloud = std::move(azure);
    settings.providers.push_back(std::move(provider));
    return daemon::check_certificates(settings, noon);
  }
  std::vector<config::Diagnostic> check(std::string const& text,
                                        fs::perms mode = fs::perms::owner_read) const {
    return check({config::SecretReference::Kind::file, write(text, mode)});
  }
};

ClientPem good_for(std::chrono::hours left) { return make_client_pem(noon - 2400h, noon + left); }

}  // namespace

TEST_CASE("a certificate that is good for long has nothing to say") {
  Site const site;
  CHECK(site.check(good_for(31 * 24h).both()).empty());
}

TEST_CASE("a certificate that ends within thirty days is a warning, one that has ended an error") {
  Site const site;
  auto const soon = site.check(good_for(30 * 24h).both());
  REQUIRE(soon.size() == 1);
  CHECK(soon[0].severity == Severity::warning);
  CHECK(soon[0].rule == "certificate-expires");
  CHECK(config::to_text(soon[0]).find("/etc/rekeyd/rekeyd.yaml: warning: provider 'azure-prod': ") == 0);
  CHECK(soon[0].message.find("expires at 2026-03-31T12:00:00Z") != std::string::npos);
  auto const late = site.check(good_for(-1h).both());
  REQUIRE(late.size() == 1);
  CHECK(late[0].severity == Severity::error);
  CHECK(late[0].rule == "certificate-expired");
}

TEST_CASE("what would keep the daemon from starting is found before") {
  Site const site;
  auto const pem = good_for(2400h);
  auto const other = good_for(2400h);
  for (auto const& found : {site.check(pem.key + other.certificate), site.check(pem.certificate),
                            site.check(pem.both(), fs::perms::owner_read | fs::perms::group_read),
                            site.check({config::SecretReference::Kind::file, "/nowhere/app.pem"})}) {
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].rule == "certificate");
    CHECK_FALSE(found[0].hint.empty());
  }
}

TEST_CASE("a systemd credential is the daemon's to look at") {
  CHECK(Site().check({config::SecretReference::Kind::credential, "app"}).empty());
}

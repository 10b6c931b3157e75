#include "daemon/certificate_checks.hpp"

#include "providers/auth/client_certificate.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <optional>

#include <unistd.h>

namespace rekeyd::daemon {

namespace {

using config::Diagnostic;
using config::Severity;

constexpr std::chrono::days warned_before{30};

bool may_not_read(std::string const& path) {
  return ::access(path.c_str(), R_OK) != 0 && (errno == EACCES || errno == EPERM);
}

std::optional<Diagnostic> finding_in(std::string const& path, Instant now) {
  auto const told = [](Severity severity, char const* rule, Error const& error) {
    return Diagnostic{severity, {}, rule, fmt::format("{}: {}", error.where, error.what), error.remedy, {}};
  };
  auto const certificate = providers::read_client_certificate(path);
  if (!certificate) return told(Severity::error, "certificate", certificate.error());
  if (auto const valid = certificate->valid_at(now); !valid)
    return told(Severity::error, "certificate-expired", valid.error());
  if (now + warned_before >= certificate->not_after()) {
    Error soon;
    soon.where = path;
    soon.what = fmt::format("the client certificate expires at {}", to_rfc3339(certificate->not_after()));
    soon.remedy = "register a new certificate with the application and replace the file";
    return told(Severity::warning, "certificate-expires", soon);
  }
  return std::nullopt;
}

std::optional<std::string> certificate_file(config::ProviderSettings const& provider) {
  auto const* const azure = std::get_if<config::AzureSettings>(&provider.cloud);
  auto const* const certificate =
      azure == nullptr ? nullptr : std::get_if<config::ClientCertificate>(&azure->credentials.proof);
  if (certificate == nullptr || certificate->pem.kind != config::SecretReference::Kind::file)
    return std::nullopt;
  return certificate->pem.name;
}

}  // namespace

std::vector<Diagnostic> check_certificates(config::Settings const& settings, Instant now) {
  std::vector<Diagnostic> findings;
  for (config::ProviderSettings const& provider : settings.providers) {
    auto const file = certificate_file(provider);
    if (!file || may_not_read(*file)) continue;
    auto finding = finding_in(*file, now);
    if (!finding) continue;
    finding->message = fmt::format("provider '{}': {}", provider.name.str(), finding->message);
    finding->place.file = settings.file.string();
    findings.push_back(*std::move(finding));
  }
  return findings;
}

}  // namespace rekeyd::daemon

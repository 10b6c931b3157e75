#pragma once
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::sim {

/// Makes a certificate authority and a server certificate valid for all `hosts` (and localhost and
/// 127.0.0.1), a month from now, and writes ca.pem, server.pem and server.key (mode 0600) into `folder`,
/// which is made when it is not there. The authority's own key is thrown away. Returns what went wrong and
/// where.
std::expected<void, std::string> make_certificates(std::filesystem::path const& folder,
                                                   std::vector<std::string> const& hosts);

}  // namespace rekeyd::sim

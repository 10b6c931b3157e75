#pragma once
#include "providers/auth/credential_source.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::providers {

/// The parameters of the Bearer challenge in a WWW-Authenticate header, names in lower case, of two of one
/// name the first. Nothing if there is none, if the header is not what RFC 9110 (11.6.1) says, or longer than
/// 8 KiB.
std::optional<std::map<std::string, std::string>> bearer_parameters(std::string_view www_authenticate);

/// The claims that a service demands of the next token (error="insufficient_claims", claims="BASE64":
/// Continuous Access Evaluation), as the JSON that a token request takes. Empty if it demands none, or
/// nothing that could be passed on. Works for vaults' and for Resource Manager's challenges.
std::string demanded_claims(std::string_view www_authenticate);

/// A service answered 401 to this token: it is not handed out again, and the next one makes the claims that
/// the challenge demands.
void forget_refused(CredentialSource& credentials, AccessTokenPtr const& token,
                    std::string_view www_authenticate);

}  // namespace rekeyd::providers

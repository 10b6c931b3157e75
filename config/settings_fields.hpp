#pragma once
#include "config/endpoint_url.hpp"
#include "config/settings.hpp"
#include "config/yaml_fields.hpp"

/// Fields that occur in several places of rekeyd.yaml.
namespace rekeyd::config {

/// A name that fits is_name; nothing, and a mistake, if it does not.
std::optional<std::string> name_of(Given const& given, Findings& findings);

std::optional<EndpointUrl> url_of(Given const& given, Findings& findings);
/// Besides: it must not lie under a domain that belongs to another kind of service.
std::optional<EndpointUrl> service_url_of(Given const& given, ProviderKind kind, Findings& findings);

/// A path without control characters; relative ones are taken from `folder`.
std::optional<std::filesystem::path> path_of(Given const& given, std::filesystem::path const& folder,
                                             Findings& findings);

/// The map in which a secret reference stands. A value given in clear is a mistake, and never repeated.
std::optional<Given> secret_map_of(Given const& given, Findings& findings);

/// The two fields of a secret reference in a map that has others besides; exactly one of them.
std::optional<SecretReference> secret_reference_in(FieldReader& fields, Given const& given,
                                                   Findings& findings);

/// `{ credential: NAME }` or `{ file: /PATH }`. A value given in clear is a mistake, and never repeated.
std::optional<SecretReference> secret_reference_of(Given const& given, Findings& findings);

/// `kind`: of the entry, if it is known.
LimitSettings limits_of(Given const& given, std::optional<ProviderKind> kind, Findings& findings);

}  // namespace rekeyd::config

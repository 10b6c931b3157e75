#pragma once
#include <string>
#include <string_view>

namespace rekeyd::providers::ibm {

/// What kind of resource a CRN names: "volume", "bucket", or the service's name where there is no resource
/// type (databases). Empty for a text that is no CRN.
///
/// "crn:v1:bluemix:public:SERVICE:REGION:a/ACCOUNT:INSTANCE:TYPE:ID": split at the first nine colons; any
/// part may be empty, and the last may hold colons of its own.
std::string crn_resource_kind(std::string_view crn);

}  // namespace rekeyd::providers::ibm

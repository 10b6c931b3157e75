#pragma once
#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

/// One record of RFC 4180: fields quoted where they must be, ended by CRLF.
std::string csv_record(std::vector<std::string> const& fields);

}  // namespace rekeyd::rekeyctl

#include "daemon/rekeyctl/csv.hpp"

#include <boost/algorithm/string/replace.hpp>

namespace rekeyd::rekeyctl {

std::string csv_record(std::vector<std::string> const& fields) {
  std::string record, comma;
  for (std::string const& field : fields) {
    bool const plain = field.find_first_of(",\"\r\n") == std::string::npos;
    record += comma + (plain ? field : "\"" + boost::replace_all_copy(field, "\"", "\"\"") + "\"");
    comma = ",";
  }
  return record + "\r\n";
}

}  // namespace rekeyd::rekeyctl

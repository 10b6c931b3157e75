#pragma once
#include <boost/json/fwd.hpp>

#include <string>

namespace rekeyd::rekeyctl {

/// rekeyd.rehearsal/1 as tables for people.
std::string rehearsal_table(boost::json::object const& rehearsal, bool colour);
/// Its closing line.
std::string rehearsal_summary(boost::json::object const& rehearsal);
/// Did it end with overdue or blocked keys?
bool ended_badly(boost::json::object const& rehearsal);

}  // namespace rekeyd::rekeyctl

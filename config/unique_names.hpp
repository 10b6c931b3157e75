#pragma once
#include "config/findings.hpp"

#include <map>
#include <string>

namespace rekeyd::config {

/// Names of one kind of thing, each of which may be given once.
class UniqueNames {
 public:
  /// `thing`: "a provider".
  UniqueNames(std::string thing, Findings& findings) : thing_(std::move(thing)), findings_(findings) {}
  void add(std::string const& name, Position at);

 private:
  std::string thing_;
  Findings& findings_;
  std::map<std::string, Position> seen_;
};

}  // namespace rekeyd::config

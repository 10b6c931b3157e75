#pragma once
#include <string>
#include <vector>

namespace rekeyd::sim {

/// One mistake in a world file.
struct Mistake {
  int line{0};  ///< From 1; 0: the file as a whole.
  int column{0};
  std::string field;  ///< "azure.vaults[0].keys[2].kty"
  std::string message;
};

/// "demo.yaml:14:9: azure.vaults[0].keys[2].kty: ..."
std::string to_text(std::string const& file, Mistake const& mistake);

/// Collects, so that all mistakes of a file are told at once.
class Mistakes {
 public:
  void add(Mistake mistake) { list_.push_back(std::move(mistake)); }
  bool empty() const { return list_.empty(); }
  std::vector<Mistake> const& list() const { return list_; }

 private:
  std::vector<Mistake> list_;
};

}  // namespace rekeyd::sim

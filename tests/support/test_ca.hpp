#pragma once
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::test {

/// A certificate chain and its private key, PEM.
struct Leaf {
  std::string chain_pem;
  std::string key_pem;
};

/// A throw-away certificate authority, made in memory.
class TestCa {
 public:
  explicit TestCa(std::string const& common_name = "rekeyd test authority");
  ~TestCa();
  TestCa(TestCa const&) = delete;
  TestCa& operator=(TestCa const&) = delete;

  std::string certificate_pem() const;
  /// A server certificate for all these names ("localhost", "*.vault.azure.net") or IPv4 addresses, valid
  /// from an hour ago for `days` (negative: already expired).
  Leaf issue(std::vector<std::string> const& names, int days = 1) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rekeyd::test

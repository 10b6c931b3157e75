#pragma once
#include "providers/material/pkcs11_module.hpp"
#include "providers/material/pkcs11_source.hpp"

#include <filesystem>
#include <string>

namespace rekeyd::test {

/// A token of SoftHSM's in a folder of this process. Its user PIN is "1234".
class SoftHsm {
 public:
  /// Is Debian's SoftHSM installed? Tests without it say so and end.
  static bool is_there();
  static std::filesystem::path module();

  explicit SoftHsm(std::string label);

  providers::Pkcs11Token token() const { return {module(), label_}; }
  enum class Leave { may, may_not };
  void put_aes(std::string const& label, std::string const& bytes, Leave leave = Leave::may);
  /// A private key, from PEM.
  void put_rsa(std::string const& label, std::string const& pem);
  /// A private key on P-256, by its number in 32 bytes.
  void put_ec(std::string const& label, std::string const& number);
  void remove(std::string const& label);

 private:
  CK_SESSION_HANDLE session();

  std::string label_;
  CK_FUNCTION_LIST* functions_;
  CK_SLOT_ID slot_{};
};

}  // namespace rekeyd::test

#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <p11-kit/pkcs11.h>

namespace rekeyd::providers {

/// The module's functions, ready for use by several threads. Loading it again is no work. It is never
/// finalized: another source may use it as well, and some modules do not survive that.
Result<CK_FUNCTION_LIST*> pkcs11_functions(std::filesystem::path const& module);

/// A refusal by the module: "C_Login: CKR_PIN_INCORRECT". What may pass by itself (a token that was pulled, a
/// lost session) is transient with code token_trouble; the rest is permanent with `code`.
Error pkcs11_error(char const* call, CK_RV refusal, std::string code, std::string const& where,
                   std::string remedy);

/// A session at one slot; closed when it goes.
class Pkcs11Session {
 public:
  static Result<Pkcs11Session> open(CK_FUNCTION_LIST* functions, CK_SLOT_ID slot, std::string const& where);
  Pkcs11Session(Pkcs11Session&& other) noexcept;
  Pkcs11Session& operator=(Pkcs11Session&&) = delete;
  ~Pkcs11Session();

  Result<void> log_in(Secret const& pin);
  Result<std::vector<CK_OBJECT_HANDLE>> find(std::span<CK_ATTRIBUTE> wanted);
  /// Of an attribute that is a CK_BBOOL; false where the token does not tell.
  bool flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  /// A key for wrapping that lives as long as the session.
  Result<CK_OBJECT_HANDLE> make_wrapping_key(Secret const& aes_key);
  Result<Secret> wrap(CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key);

 private:
  Pkcs11Session(CK_FUNCTION_LIST* functions, CK_SESSION_HANDLE session, std::string where)
      : functions_(functions), session_(session), where_(std::move(where)) {}

  CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE session_;
  std::string where_;
};

}  // namespace rekeyd::providers

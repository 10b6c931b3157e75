#include "providers/material/pkcs11_module.hpp"

#include "providers/material/key_material.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <dlfcn.h>

namespace rekeyd::providers {

namespace {

struct Refusal {
  CK_RV value;
  char const* name;
};

constexpr std::array passing{Refusal{CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
                             Refusal{CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY"},
                             Refusal{CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
                             Refusal{CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
                             Refusal{CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED"},
                             Refusal{CKR_SESSION_COUNT, "CKR_SESSION_COUNT"},
                             Refusal{CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
                             Refusal{CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"}};
constexpr std::array lasting{Refusal{CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
                             Refusal{CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
                             Refusal{CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED"},
                             Refusal{CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
                             Refusal{CKR_PIN_INVALID, "CKR_PIN_INVALID"},
                             Refusal{CKR_KEY_UNEXTRACTABLE, "CKR_KEY_UNEXTRACTABLE"},
                             Refusal{CKR_KEY_NOT_WRAPPABLE, "CKR_KEY_NOT_WRAPPABLE"},
                             Refusal{CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
                             Refusal{CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED"},
                             Refusal{CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"}};

template <std::size_t n>
char const* name_in(std::array<Refusal, n> const& refusals, CK_RV value) {
  auto const found = std::ranges::find(refusals, value, &Refusal::value);
  return found == refusals.end() ? nullptr : found->name;
}

unsigned char* octets(Secret& secret) { return reinterpret_cast<unsigned char*>(secret.writable().data()); }

/// The interface takes what it only reads through pointers to what could be changed.
unsigned char* read_only(Secret const& secret) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(secret.reveal().data()));
}

Error no_module(std::filesystem::path const& module, std::string const& why) {
  return material_error("pkcs11_module_unusable", "the PKCS#11 module cannot be used: " + why,
                        module.string(), "correct 'module' in rekeyd.yaml, or install what it names");
}

}  // namespace

Error pkcs11_error(char const* call, CK_RV refusal, std::string code, std::string const& where,
                   std::string remedy) {
  char const* const passes = name_in(passing, refusal);
  char const* const lasts = name_in(lasting, refusal);
  std::string const name = passes != nullptr  ? passes
                           : lasts != nullptr ? lasts
                                              : fmt::format("CKR 0x{:x}", refusal);
  Error error = material_error(std::move(code), fmt::format("{}: {}", call, name), where, std::move(remedy));
  if (passes == nullptr) return error;
  error.error_class = ErrorClass::transient;
  error.code = "token_trouble";
  error.remedy = "see that the token is there and works";
  return error;
}

Result<CK_FUNCTION_LIST*> pkcs11_functions(std::filesystem::path const& module) {
  void* const library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    char const* const why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is of the calling thread
    return std::unexpected(no_module(module, why == nullptr ? "dlopen" : why));
  }
  auto const list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (list == nullptr || list(&functions) != CKR_OK || functions == nullptr) {
    return std::unexpected(no_module(module, "it offers no PKCS#11 functions"));
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  CK_RV const begun = functions->C_Initialize(&arguments);
  if (begun != CKR_OK && begun != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    return std::unexpected(no_module(module, fmt::format("C_Initialize refuses (CKR 0x{:x})", begun)));
  }
  return functions;
}

Result<Pkcs11Session> Pkcs11Session::open(CK_FUNCTION_LIST* functions, CK_SLOT_ID slot,
                                          std::string const& where) {
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  CK_RV const opened = functions->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  if (opened == CKR_OK) return Pkcs11Session(functions, session, where);
  return std::unexpected(pkcs11_error("C_OpenSession", opened, "token_refuses", where,
                                      "see what the token's vendor says of it"));
}

Pkcs11Session::Pkcs11Session(Pkcs11Session&& other) noexcept
    : functions_(std::exchange(other.functions_, nullptr)),
      session_(other.session_),
      where_(std::move(other.where_)) {}

Pkcs11Session::~Pkcs11Session() {
  if (functions_ != nullptr) functions_->C_CloseSession(session_);
}

Result<void> Pkcs11Session::log_in(Secret const& pin) {
  CK_RV const done =
      functions_->C_Login(session_, CKU_USER, read_only(pin), static_cast<CK_ULONG>(pin.size()));
  if (done == CKR_OK || done == CKR_USER_ALREADY_LOGGED_IN) return {};
  bool const locked = done == CKR_PIN_LOCKED;
  return std::unexpected(
      pkcs11_error("C_Login", done, locked ? "pin_locked" : "pin_refused", where_,
                   locked ? "have the token's security officer unlock it, then `rekeyctl retry`"
                          : "correct the PIN, then `rekeyctl retry`: this one is not tried again"));
}

Result<std::vector<CK_OBJECT_HANDLE>> Pkcs11Session::find(std::span<CK_ATTRIBUTE> wanted) {
  CK_RV done = functions_->C_FindObjectsInit(session_, wanted.data(), wanted.size());
  std::array<CK_OBJECT_HANDLE, 4> some{};
  CK_ULONG count = 0;
  if (done == CKR_OK) {
    done = functions_->C_FindObjects(session_, some.data(), some.size(), &count);
    functions_->C_FindObjectsFinal(session_);
  }
  if (done != CKR_OK) {
    return std::unexpected(pkcs11_error("C_FindObjects", done, "token_refuses", where_,
                                        "see what the token's vendor says of it"));
  }
  return std::vector<CK_OBJECT_HANDLE>(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
}

bool Pkcs11Session::flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_BBOOL value = CK_FALSE;
  CK_ATTRIBUTE attribute{type, &value, sizeof value};
  return functions_->C_GetAttributeValue(session_, object, &attribute, 1) == CKR_OK && value != CK_FALSE;
}

Result<CK_OBJECT_HANDLE> Pkcs11Session::make_wrapping_key(Secret const& aes_key) {
  CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
  CK_KEY_TYPE aes = CKK_AES;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array<CK_ATTRIBUTE, 6> key{{{CKA_CLASS, &secret_key, sizeof secret_key},
                                   {CKA_KEY_TYPE, &aes, sizeof aes},
                                   {CKA_TOKEN, &no, sizeof no},
                                   {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_WRAP, &yes, sizeof yes},
                                   {CKA_VALUE, read_only(aes_key), aes_key.size()}}};
  CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
  CK_RV const done = functions_->C_CreateObject(session_, key.data(), key.size(), &made);
  if (done == CKR_OK) return made;
  return std::unexpected(pkcs11_error("C_CreateObject", done, "material_not_extractable", where_,
                                      "the token takes no wrapping key: export the material, use a file"));
}

Result<Secret> Pkcs11Session::wrap(CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE wrapping_key,
                                   CK_OBJECT_HANDLE key) {
  CK_MECHANISM how{mechanism, nullptr, 0};
  CK_ULONG size = 0;
  CK_RV done = functions_->C_WrapKey(session_, &how, wrapping_key, key, nullptr, &size);
  constexpr CK_ULONG size_max = 64UL << 10U;
  Secret wrapped;
  if (done == CKR_OK && size <= size_max) {
    wrapped = Secret::of_size(size);
    done = functions_->C_WrapKey(session_, &how, wrapping_key, key, octets(wrapped), &size);
  }
  if (done == CKR_OK && size == wrapped.size()) return wrapped;
  return std::unexpected(pkcs11_error("C_WrapKey", done, "material_not_extractable", where_,
                                      "make a key that may be extracted, or use another source"));
}

}  // namespace rekeyd::providers

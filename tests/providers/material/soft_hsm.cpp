#include "tests/providers/material/soft_hsm.hpp"

#include "tests/support/openssl_handles.hpp"
#include "tests/support/temporary_folder.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace rekeyd::test {

namespace {

constexpr char pin[] = "1234";
CK_BBOOL yes = CK_TRUE;
CK_BBOOL no = CK_FALSE;

CK_UTF8CHAR* text(char const* words) { return reinterpret_cast<CK_UTF8CHAR*>(const_cast<char*>(words)); }

void require(CK_RV result, char const* call) {
  if (result != CKR_OK) throw std::runtime_error(std::string(call) + " refuses: " + std::to_string(result));
}

/// SoftHSM reads its configuration once in a process.
CK_FUNCTION_LIST* started() {
  static TemporaryFolder const folder;
  static CK_FUNCTION_LIST* const functions = [] {
    std::filesystem::create_directories(folder.path() / "tokens");
    auto const config =
        folder.write("softhsm2.conf", "directories.tokendir = " + (folder.path() / "tokens").string() +
                                          "\nobjectstore.backend = file\nlog.level = ERROR\n");
    ::setenv("SOFTHSM2_CONF", config.c_str(), 1);
    return providers::pkcs11_functions(SoftHsm::module()).value();
  }();
  return functions;
}

/// The slot that has no token yet is always the last.
CK_SLOT_ID free_slot(CK_FUNCTION_LIST* functions) {
  std::array<CK_SLOT_ID, 64> slots{};
  CK_ULONG count = slots.size();
  require(functions->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
  return slots.at(count - 1);
}

CK_SLOT_ID slot_labelled(CK_FUNCTION_LIST* functions, std::string const& label) {
  std::array<CK_SLOT_ID, 64> slots{};
  CK_ULONG count = slots.size();
  require(functions->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    functions->C_GetTokenInfo(slots.at(i), &info);
    if (std::string(reinterpret_cast<char const*>(info.label), 32).starts_with(label + " "))
      return slots.at(i);
  }
  throw std::runtime_error("the new token is not there");
}

std::string number(EVP_PKEY const& key, char const* name) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(&key, name, &value);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(value);
  return bytes;
}

}  // namespace

std::filesystem::path SoftHsm::module() { return "/usr/lib/softhsm/libsofthsm2.so"; }
bool SoftHsm::is_there() { return std::filesystem::exists(module()); }

SoftHsm::SoftHsm(std::string label) : label_(std::move(label)), functions_(started()) {
  std::string padded = label_;
  padded.resize(32, ' ');
  require(functions_->C_InitToken(free_slot(functions_), text("so-pin"), 6, text(padded.c_str())),
          "C_InitToken");
  slot_ = slot_labelled(functions_, label_);
  CK_SESSION_HANDLE officer = 0;
  require(functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &officer),
          "C_OpenSession");
  require(functions_->C_Login(officer, CKU_SO, text("so-pin"), 6), "C_Login");
  require(functions_->C_InitPIN(officer, text(pin), 4), "C_InitPIN");
  require(functions_->C_CloseSession(officer), "C_CloseSession");
}

CK_SESSION_HANDLE SoftHsm::session() {
  CK_SESSION_HANDLE made = 0;
  require(functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &made),
          "C_OpenSession");
  require(functions_->C_Login(made, CKU_USER, text(pin), 4), "C_Login");
  return made;
}

void SoftHsm::put_aes(std::string const& label, std::string const& bytes, Leave leave) {
  CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  std::string name = label;
  std::string value = bytes;
  CK_BBOOL* const extractable = leave == Leave::may ? &yes : &no;
  std::array<CK_ATTRIBUTE, 8> key{{{CKA_CLASS, &kind, sizeof kind},
                                   {CKA_KEY_TYPE, &type, sizeof type},
                                   {CKA_TOKEN, &yes, sizeof yes},
                                   {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_SENSITIVE, &yes, sizeof yes},
                                   {CKA_EXTRACTABLE, extractable, sizeof yes},
                                   {CKA_LABEL, name.data(), name.size()},
                                   {CKA_VALUE, value.data(), value.size()}}};
  auto const in = session();
  CK_OBJECT_HANDLE made = 0;
  require(functions_->C_CreateObject(in, key.data(), key.size(), &made), "C_CreateObject");
  functions_->C_CloseSession(in);
}

void SoftHsm::put_rsa(std::string const& label, std::string const& pem) {
  Bio const memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key const pair(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  constexpr std::array<std::pair<CK_ATTRIBUTE_TYPE, char const*>, 8> members{
      {{CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},
       {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
       {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
       {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
       {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
       {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
       {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
       {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}};
  CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  CK_KEY_TYPE type = CKK_RSA;
  std::string name = label;
  std::vector<CK_ATTRIBUTE> key{{CKA_CLASS, &kind, sizeof kind},      {CKA_KEY_TYPE, &type, sizeof type},
                                {CKA_TOKEN, &yes, sizeof yes},        {CKA_PRIVATE, &yes, sizeof yes},
                                {CKA_SENSITIVE, &yes, sizeof yes},    {CKA_EXTRACTABLE, &yes, sizeof yes},
                                {CKA_LABEL, name.data(), name.size()}};
  std::array<std::string, members.size()> numbers;
  for (std::size_t i = 0; i < members.size(); ++i) {
    numbers.at(i) = number(*pair, members.at(i).second);
    key.push_back({members.at(i).first, numbers.at(i).data(), numbers.at(i).size()});
  }
  auto const in = session();
  CK_OBJECT_HANDLE made = 0;
  require(functions_->C_CreateObject(in, key.data(), key.size(), &made), "C_CreateObject");
  functions_->C_CloseSession(in);
}

void SoftHsm::put_ec(std::string const& label, std::string const& number) {
  std::array<unsigned char, 10> p_256{0x06, 0x08, 0x2A, 0x86, 0x48,
                                      0xCE, 0x3D, 0x03, 0x01, 0x07};  // Its OID.
  CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  CK_KEY_TYPE type = CKK_EC;
  std::string name = label;
  std::string value = number;
  std::array<CK_ATTRIBUTE, 9> key{{{CKA_CLASS, &kind, sizeof kind},
                                   {CKA_KEY_TYPE, &type, sizeof type},
                                   {CKA_TOKEN, &yes, sizeof yes},
                                   {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_SENSITIVE, &yes, sizeof yes},
                                   {CKA_EXTRACTABLE, &yes, sizeof yes},
                                   {CKA_LABEL, name.data(), name.size()},
                                   {CKA_EC_PARAMS, p_256.data(), p_256.size()},
                                   {CKA_VALUE, value.data(), value.size()}}};
  auto const in = session();
  CK_OBJECT_HANDLE made = 0;
  require(functions_->C_CreateObject(in, key.data(), key.size(), &made), "C_CreateObject");
  functions_->C_CloseSession(in);
}

void SoftHsm::remove(std::string const& label) {
  std::string name = label;
  CK_ATTRIBUTE wanted{CKA_LABEL, name.data(), name.size()};
  auto const in = session();
  CK_OBJECT_HANDLE found = 0;
  CK_ULONG count = 0;
  require(functions_->C_FindObjectsInit(in, &wanted, 1), "C_FindObjectsInit");
  require(functions_->C_FindObjects(in, &found, 1, &count), "C_FindObjects");
  functions_->C_FindObjectsFinal(in);
  if (count == 1) require(functions_->C_DestroyObject(in, found), "C_DestroyObject");
  functions_->C_CloseSession(in);
}

}  // namespace rekeyd::test

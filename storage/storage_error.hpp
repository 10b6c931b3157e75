#pragma once
#include "policy/error.hpp"

#include <string>
#include <utility>

namespace rekeyd::storage {

inline Error storage_error(std::string what, std::string where, std::string code, std::string remedy) {
  Error error;
  error.error_class = ErrorClass::storage;
  error.what = std::move(what);
  error.where = std::move(where);
  error.code = std::move(code);
  error.remedy = std::move(remedy);
  return error;
}

}  // namespace rekeyd::storage

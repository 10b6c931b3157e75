#pragma once

namespace rekeyd::providers {

/// Gives an OpenSSL object back by its own function: std::unique_ptr<BIO, Free<BIO_free>>.
template <auto free>
struct Free {
  template <class T>
  void operator()(T* thing) const {
    free(thing);
  }
};

}  // namespace rekeyd::providers

#include "providers/secret.hpp"

#include <boost/json/memory_resource.hpp>
#include <openssl/crypto.h>

#include <bit>
#include <cstring>
#include <new>

namespace rekeyd::providers {
namespace {

// A whole HTTP body of the kind that carries a DEK fits; one large listing must not eat the locked heap.
constexpr std::size_t locked_piece_max = 64 << 10;
// The secure heap's smallest block, which is also what its pointers are aligned to.
constexpr std::size_t locked_block_min = 32;

void* allocate_locked(std::size_t bytes) {
  // OpenSSL answers with ordinary memory before the heap is started, and with nothing when it is full: then
  // wiping on free is what remains, and that is better than stopping in the middle of a rotation.
  void* piece = bytes <= locked_piece_max ? OPENSSL_secure_malloc(bytes) : nullptr;
  if (piece == nullptr) piece = OPENSSL_malloc(bytes);
  if (piece == nullptr) throw std::bad_alloc();
  return piece;
}

void wipe_and_free(void* piece, std::size_t bytes) noexcept {
  // Memory that is not of the secure heap is passed on to OPENSSL_clear_free with its size.
  OPENSSL_secure_clear_free(piece, bytes);
}

class WipingResource final : public boost::json::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t) override { return allocate_locked(bytes); }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t) override { wipe_and_free(piece, bytes); }
  bool do_is_equal(memory_resource const& other) const noexcept override {
    return dynamic_cast<WipingResource const*>(&other) != nullptr;
  }
};

}  // namespace

bool start_secure_heap(std::size_t bytes, std::string& why) {
  why.clear();
  if (CRYPTO_secure_malloc_initialized() == 1) return true;
  switch (CRYPTO_secure_malloc_init(std::bit_ceil(bytes), locked_block_min)) {
    case 1:
      return true;
    case 2:
      why = "the memory for secrets could not be locked or protected (RLIMIT_MEMLOCK); it may be swapped out";
      return false;
    default:
      why = "the locked memory for secrets could not be made; secrets live in ordinary memory, wiped on free";
      return false;
  }
}

namespace detail {
void* allocate_wiping(std::size_t bytes) { return allocate_locked(bytes == 0 ? 1 : bytes); }
void free_wiping(void* piece, std::size_t bytes) noexcept { wipe_and_free(piece, bytes == 0 ? 1 : bytes); }
}  // namespace detail

boost::json::storage_ptr wiping_storage() {
  static WipingResource resource;
  return {&resource};
}

Secret Secret::of_size(std::size_t size) {
  Secret secret;
  if (size == 0) return secret;
  secret.data_ = static_cast<std::byte*>(allocate_locked(size));
  secret.size_ = size;
  std::memset(secret.data_, 0, size);
  return secret;
}

Secret::Secret(std::span<std::byte const> bytes) {
  if (bytes.empty()) return;
  data_ = static_cast<std::byte*>(allocate_locked(bytes.size()));
  size_ = bytes.size();
  std::memcpy(data_, bytes.data(), size_);
}

Secret::Secret(std::string_view bytes) : Secret(std::as_bytes(std::span(bytes.data(), bytes.size()))) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  if (data_ != nullptr) wipe_and_free(data_, size_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

Secret::~Secret() {
  if (data_ != nullptr) wipe_and_free(data_, size_);
}

bool Secret::same_as(Secret const& other) const {
  return size_ == other.size_ && (size_ == 0 || CRYPTO_memcmp(data_, other.data_, size_) == 0);
}

}  // namespace rekeyd::providers

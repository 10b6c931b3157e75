#pragma once
#include <boost/json/storage_ptr.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rekeyd::providers {

/// Locks `bytes` of memory for OpenSSL's secure heap (mlock, no core dump, zeroed on free). Call once at
/// start, before any Secret exists. False if the heap could not be made or not be locked (RLIMIT_MEMLOCK);
/// `why` then says so. Without it Secret falls back to ordinary memory that is wiped on free.
bool start_secure_heap(std::size_t bytes, std::string& why);

namespace detail {
void* allocate_wiping(std::size_t bytes);
void free_wiping(void* piece, std::size_t bytes) noexcept;
}  // namespace detail

/// Allocates from OpenSSL's secure heap up to 64 KiB a piece and wipes whatever it frees. For HTTP bodies and
/// read buffers, which may carry a DEK in some encoding. Larger pieces (listings, never DEKs) come from
/// ordinary memory.
template <class T>
class WipingAllocator {
 public:
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(WipingAllocator<U> const&) {}  // NOLINT(google-explicit-constructor): the allocator model
  T* allocate(std::size_t n) { return static_cast<T*>(detail::allocate_wiping(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { detail::free_wiping(p, n * sizeof(T)); }
  bool operator==(WipingAllocator const&) const { return true; }
};

/// Text that is wiped when it goes: HTTP bodies.
using Body = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/// A json storage whose values are wiped when they go: for parsing answers that carry a DEK or a token. Parse
/// with parse_wiping (providers/json.hpp), which keeps the parser's own scratch memory in it as well.
boost::json::storage_ptr wiping_storage();

/// DEK plaintext, tokens, API keys, client secrets. Move-only, compared in constant time, wiped when it goes,
/// and without any operator that could print it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  explicit Secret(std::span<std::byte const> bytes);
  /// `size` zero bytes to be filled through writable().
  static Secret of_size(std::size_t size);

  Secret(Secret const&) = delete;
  Secret& operator=(Secret const&) = delete;
  Secret(Secret&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The one way in. Do not keep the view, do not copy it into a std::string.
  std::string_view reveal() const { return {reinterpret_cast<char const*>(data_), size_}; }
  std::span<std::byte> writable() { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// A copy has to be asked for by name.
  Secret clone() const { return Secret(reveal()); }
  /// Constant time for equal sizes.
  bool same_as(Secret const& other) const;

 private:
  std::byte* data_{nullptr};
  std::size_t size_{0};
};

}  // namespace rekeyd::providers

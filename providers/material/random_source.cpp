#include "providers/material/random_source.hpp"

#include "providers/dek/store_thread.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

Error out_of_randomness(std::string const& where) {
  Error error;
  error.error_class = ErrorClass::transient;
  error.delivery = Delivery::not_sent;
  error.code = "material_source_failed";
  error.what = "OpenSSL's random generator gives nothing";
  error.where = where;
  return error;
}

class RandomSource final : public MaterialSource {
 public:
  explicit RandomSource(RandomSourceOptions options)
      : options_(std::move(options)),
        where_(fmt::format("material source {}", options_.name.str())),
        thread_(options_.own_thread) {}

  MaterialSourceName const& name() const override { return options_.name; }
  char const* kind() const override { return "random"; }
  bool may_repeat() const override { return false; }

  asio::awaitable<Result<KeyMaterialPtr>> look(MaterialWanted wanted, Clock::Mono) override {
    auto const bits = bits_for(wanted);
    if (!bits) co_return std::unexpected(bits.error());
    co_return KeyMaterialPtr();
  }

  asio::awaitable<Result<KeyMaterialPtr>> draw(MaterialWanted wanted, Clock::Mono) override {
    auto const bits = bits_for(wanted);
    if (!bits) co_return std::unexpected(bits.error());
    if (wanted.type.algorithm == KeyAlgorithm::aes) co_return symmetric(*bits / 8, where_);
    bool const ec = wanted.type.algorithm == KeyAlgorithm::ec;
    std::function<Result<KeyMaterialPtr>()> work = [ec, size = *bits, where = where_] {
      return pair(ec, size, where);
    };
    auto made = co_await thread_.run(std::move(work));
    co_return made;
  }

 private:
  static Result<KeyMaterialPtr> symmetric(std::size_t size, std::string const& where) {
    Secret bytes = Secret::of_size(size);
    auto* const at = reinterpret_cast<unsigned char*>(bytes.writable().data());
    if (RAND_priv_bytes(at, static_cast<int>(size)) != 1) return std::unexpected(out_of_randomness(where));
    return symmetric_material(std::move(bytes), where);
  }

  static Result<KeyMaterialPtr> pair(bool ec, unsigned bits, std::string const& where) {
    PrivateKey const key(ec ? EVP_EC_gen(nist_curve(bits)->group) : EVP_RSA_gen(bits));
    if (!key) return std::unexpected(out_of_randomness(where));
    return pair_material(*key, where);
  }

  Result<unsigned> bits_for(MaterialWanted const& wanted) const {
    unsigned const told = wanted.type.bits;
    switch (wanted.type.algorithm) {
      case KeyAlgorithm::rsa:
        if (told == 2048 || told == 3072 || told == 4096) return told;
        break;
      case KeyAlgorithm::aes:
        if (told == 128 || told == 192 || told == 256) return told;
        if (told == 0 && options_.bits) return *options_.bits;
        if (told != 0) break;
        return std::unexpected(material_error(
            "material_size_unknown",
            fmt::format("the provider does not tell the size of {}, nor does the source", wanted.key.text()),
            where_, "say `bits: 256` (or 128, 192) in the source, as the key's users need it"));
      case KeyAlgorithm::ec:
        if (nist_curve(told) != nullptr) return told;
        break;
      case KeyAlgorithm::other:
        break;
    }
    return std::unexpected(material_error(
        "material_unfit",
        fmt::format("{} keys of {} bits are not made here", to_text(wanted.type.algorithm), told), where_,
        "exclude the key from rekeyd's policies"));
  }

  RandomSourceOptions options_;
  std::string where_;
  StoreThread thread_;
};

}  // namespace

std::unique_ptr<MaterialSource> make_random_source(RandomSourceOptions options) {
  return std::make_unique<RandomSource>(std::move(options));
}

}  // namespace rekeyd::providers

#pragma once
#include "providers/encoding.hpp"
#include "providers/ibm/key_protect.hpp"
#include "tests/providers/cloud_script.hpp"
#include "tests/providers/ibm/pay_instance.hpp"

#include <memory>
#include <string>
#include <utility>

/// The key "k-1" of one Key Protect instance: the calls that are about it, and how its service answers.
namespace rekeyd::test {

inline std::string const base = "/api/v2/keys/k-1";
inline std::string const list_call = "GET /api/v2/keys";
inline std::string const metadata_call = "GET " + base + "/metadata";
inline std::string const versions_call = "GET " + base + "/versions";
inline std::string const registrations_call = "GET " + base + "/registrations";
inline std::string const rotate_call = "POST " + base + "/actions/rotate";
inline std::string const wrap_call = "POST " + base + "/actions/wrap";
inline std::string const rewrap_call = "POST " + base + "/actions/rewrap";
inline std::string const unwrap_call = "POST " + base + "/actions/unwrap";

inline std::string envelope(std::string const& entries) { return R"({"resources":[)" + entries + "]}"; }

inline std::string key_text(std::string const& more = {}, int state = 1) {
  return R"({"id":"k-1","name":"root","state":)" + std::to_string(state) +
         R"(,"extractable":false,"keyVersion":{"id":"v-2","creationDate":"2026-03-01T00:00:00Z"})" + more +
         "}";
}

inline std::string version_text(std::string const& id, std::string const& created) {
  return R"({"id":")" + id + R"(","creationDate":")" + created + "\"}";
}

inline std::string reason(std::string const& code) {
  return envelope(R"({"errorMsg":"x","reasons":[{"code":")" + code + R"(","message":"Why."}]})");
}

/// A provider with one instance, "pay", whose answers a test scripts.
struct InstanceWorld : CloudScript {
  explicit InstanceWorld(providers::IbmKind kind = providers::IbmKind::key_protect, std::string ring = {}) {
    providers::KeyProtectOptions options = pay_instance();
    options.kind = kind;
    options.instances.front().key_ring = std::move(ring);
    provider = providers::make_key_protect(*client, credentials, loop.clock, random, options);
  }

  KeyRef key() const { return {ProviderName("ibm-test"), VaultName("pay"), KeyId("k-1")}; }
  providers::RotateOrder order() const {
    providers::RotateOrder order;
    order.operation = RotationId("op-1");
    order.key.ref = key();
    order.key.current = VersionId("v-2");
    return order;
  }
  WrappedDek dek() const {
    WrappedDek wrapped;
    wrapped.id = DekId("dek-1");
    wrapped.key = key();
    wrapped.version = VersionId("v-1");
    wrapped.ciphertext = providers::to_base64("old");
    return wrapped;
  }
  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    return loop.run(std::move(operation));
  }

  std::unique_ptr<providers::KmsProvider> provider;
};

}  // namespace rekeyd::test

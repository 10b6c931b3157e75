// New material for the root keys whose material was imported.
#include "providers/encoding.hpp"
#include "providers/ibm/key_protect_provider.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::ibm {

namespace asio = boost::asio;

std::optional<Error> refuse_material(Origin origin, KeyMaterial const* material, std::string const& where) {
  if (origin == Origin::imported && material == nullptr) {
    return misuse(
        ErrorClass::permanent,
        "the key's material was imported: a new version needs new material from its owner",
        "name a source of it in the policy (material: NAME), or rotate it by hand with new material: "
        "rekeyd will find the version and move the dependants",
        where);
  }
  if (material == nullptr) return std::nullopt;
  if (origin == Origin::generated) {
    return material_error("key_is_generated", "the service makes this key's material and takes none", where,
                          "take the source out of the key's policy");
  }
  if (material->type.algorithm != KeyAlgorithm::aes) {
    return material_error("material_unfit", "a root key here is symmetric, and the material is an RSA key",
                          where, "give the source 128, 192 or 256 bits in base64");
  }
  return std::nullopt;
}

namespace {

InstanceCall rotate_call(std::string const& path) {
  InstanceCall call;
  call.method = "POST";
  call.path = path + "/actions/rotate";
  call.content_type = "application/vnd.ibm.kms.key_action_rotate+json";
  call.repeatable = Repeatable::no;
  return call;
}

InstanceCall token_call(char const* method) {
  InstanceCall call;
  call.method = method;
  call.path = "/api/v2/import_token";
  call.repeatable = Repeatable::no;  // Each reading uses one up.
  if (call.method == "POST") {
    call.content_type = "application/json";
    call.body = write_import_token_request();
  }
  return call;
}

/// Whatever went wrong before the material went out: it did not go out.
Error before_sending(Error error) {
  error.delivery = Delivery::not_sent;
  return error;
}

}  // namespace

asio::awaitable<Result<InstanceReply>> KeyProtect::send_rotate(Place place, KeyMaterialPtr material,
                                                               Clock::Mono deadline) {
  if (material && options_.import_with_token) {
    auto sealed = co_await send_sealed(std::move(place), std::move(material), deadline);
    co_return sealed;
  }
  auto call = rotate_call(place.path());
  if (material) call.body = write_rotate_request(material->bytes);
  auto reply = co_await access_.call(*place.instance, std::move(call), deadline);
  co_return reply;
}

asio::awaitable<Result<ImportToken>> KeyProtect::new_import_token(Place place, Clock::Mono deadline) {
  auto making = token_call("POST");
  auto made = co_await access_.call(*place.instance, std::move(making), deadline);
  if (!made) co_return std::unexpected(before_sending(std::move(made.error())));
  auto reading = token_call("GET");
  auto read = co_await access_.call(*place.instance, std::move(reading), deadline);
  if (!read) co_return std::unexpected(before_sending(std::move(read.error())));
  auto token = parse_import_token(read->response.body, read->where);
  if (!token) co_return std::unexpected(before_sending(std::move(token.error())));
  co_return token;
}

asio::awaitable<Result<InstanceReply>> KeyProtect::send_sealed(Place place, KeyMaterialPtr material,
                                                               Clock::Mono deadline) {
  auto& turn = import_turns_[place.instance->name];
  if (!turn) turn = std::make_unique<Admission>(clock_, 1, Pacing(0, 1, clock_.mono_now()));
  auto const ticket = turn->draw_ticket();
  auto const pass = co_await turn->enter(ticket, deadline);
  if (!pass) {
    co_return std::unexpected(misuse(ErrorClass::transient, "another import has kept the import token", {},
                                     place.instance->endpoint.text()));
  }
  auto token = co_await new_import_token(place, deadline);
  if (!token) co_return std::unexpected(std::move(token.error()));
  auto body = write_sealed_rotate_request(material->bytes, *token, flavour_.import_cipher, place.path());
  if (!body) co_return std::unexpected(before_sending(std::move(body.error())));
  auto call = rotate_call(place.path());
  call.body = std::move(*body);
  auto reply = co_await access_.call(*place.instance, std::move(call), deadline);
  // Another client's token has taken the place of ours: the next try has a new one.
  if (!reply && reply.error().code.starts_with("INCORRECT_NONCE")) {
    reply.error().error_class = ErrorClass::conflict;
  }
  co_return reply;
}

// Written by hand: a serializer's buffers would keep pieces of the material.
Body write_rotate_request(Secret const& material) {
  Body body;
  body.reserve(material.size() * 2 + 32);
  body.append(R"({"payload":")");
  append_base64(body, material);
  body.append(R"("})");
  return body;
}

}  // namespace rekeyd::providers::ibm

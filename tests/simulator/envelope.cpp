#include "tests/simulator/envelope.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <system_error>

namespace rekeyd::sim {

namespace json = boost::json;

json::object to_json(Envelope const& envelope) {
  json::object object{
      {"rekeyd_envelope", 1}, {"provider", envelope.provider},       {"vault", envelope.vault},
      {"key", envelope.key},  {"key_version", envelope.key_version}, {"algorithm", envelope.algorithm},
      {"wdek", envelope.wdek}};
  object["aad"] = json::array(envelope.aad.begin(), envelope.aad.end());
  return object;
}

std::optional<Envelope> envelope_from_json(json::object const& object) {
  Envelope envelope;
  auto const take = [&object](char const* name, std::string& into) {
    auto value = string_member(object, name);
    if (value) into = *value;
    return value.has_value();
  };
  take("provider", envelope.provider);
  take("algorithm", envelope.algorithm);
  if (!take("vault", envelope.vault) || !take("key", envelope.key) ||
      !take("key_version", envelope.key_version) || !take("wdek", envelope.wdek)) {
    return std::nullopt;
  }
  if (auto const* aad = object.if_contains("aad"); aad != nullptr && !aad->is_null()) {
    if (!aad->is_array()) return std::nullopt;
    for (auto const& entry : aad->get_array()) {
      if (!entry.is_string()) return std::nullopt;
      envelope.aad.emplace_back(entry.get_string());
    }
  }
  return envelope;
}

std::string envelope_file(Envelope const& envelope, std::size_t number) {
  return fmt::format("{}/{}/dek-{:05}.json", envelope.vault, envelope.key, number);
}

std::expected<void, std::string> write_envelopes(std::filesystem::path const& folder,
                                                 std::vector<SeededDek> const& deks) {
  std::map<std::string, std::size_t> numbers;
  for (auto const& dek : deks) {
    auto const number = ++numbers[dek.envelope.vault + "/" + dek.envelope.key];
    auto const file = folder / envelope_file(dek.envelope, number);
    std::error_code error;
    if (number == 1) std::filesystem::create_directories(file.parent_path(), error);
    std::ofstream out(file, std::ios::trunc);
    out << json::serialize(to_json(dek.envelope)) << '\n';
    out.close();
    if (error || !out) return std::unexpected(fmt::format("cannot write {}", file.string()));
  }
  return {};
}

}  // namespace rekeyd::sim

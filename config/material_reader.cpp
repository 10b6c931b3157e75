#include "config/material_reader.hpp"

#include "config/settings_fields.hpp"
#include "config/unique_names.hpp"

#include <fmt/format.h>

#include <array>

namespace rekeyd::config {

namespace {

RandomMaterial random_of(FieldReader& fields, Findings& findings) {
  RandomMaterial random;
  Given const given = fields.optional("bits");
  auto const bits = whole_number_of(given, 128, 256, findings);
  if (!bits) return random;
  if (*bits == 128 || *bits == 192 || *bits == 256) {
    random.bits = *bits;
  } else {
    findings.error(given.at(), "range",
                   fmt::format("{}: symmetric keys have 128, 192 or 256 bits", given.label),
                   "write bits: 256");
  }
  return random;
}

std::optional<FileMaterial> file_of(FieldReader& fields, std::filesystem::path const& folder,
                                    Findings& findings) {
  auto const path = path_of(fields.required("folder", "folder: material"), folder, findings);
  if (!path) return std::nullopt;
  return FileMaterial{*path};
}

std::optional<Pkcs11Material> pkcs11_of(FieldReader& fields, Findings& findings) {
  auto const module = text_of(fields.required("module", "module: /usr/lib/softhsm/libsofthsm2.so"), findings);
  Given const token_given = fields.required("token", "token: key-room");
  auto const token = text_of(token_given, findings);
  auto const pin = secret_reference_of(fields.required("pin", "pin: { credential: hsm-pin }"), findings);
  constexpr std::size_t label_max = 32;  // CK_TOKEN_INFO.label
  if (token && (token->empty() || token->size() > label_max)) {
    findings.error(token_given.at(), "range",
                   fmt::format("{}: a token's label has 1 to {} bytes", token_given.label, label_max));
    return std::nullopt;
  }
  if (!module || !token || !pin) return std::nullopt;
  return Pkcs11Material{*module, *token, *pin};
}

/// What belongs to one kind has no place in another.
void refuse_foreign(FieldReader& fields, std::size_t kind) {
  if (kind != 0)
    fields.refuse("bits", "it belongs to sources of kind random; other material has its own size");
  if (kind != 1) fields.refuse("folder", "it belongs to sources of kind file");
  if (kind == 2) return;
  for (char const* const field : {"module", "token", "pin"}) {
    fields.refuse(field, "it belongs to sources of kind pkcs11");
  }
}

/// Whether it is complete.
bool read_kind(std::size_t kind, FieldReader& fields, std::filesystem::path const& folder,
               MaterialSourceSettings& source, Findings& findings) {
  if (kind == 0) {
    source.kind = random_of(fields, findings);
    return true;
  }
  if (kind == 1) {
    auto const file = file_of(fields, folder, findings);
    if (file) source.kind = *file;
    return file.has_value();
  }
  auto const token = pkcs11_of(fields, findings);
  if (token) source.kind = *token;
  return token.has_value();
}

std::optional<MaterialSourceSettings> source_of(Given const& given, std::filesystem::path const& folder,
                                                Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  std::vector<std::string> const kinds{"random", "file", "pkcs11"};
  auto const name = name_of(fields.required("name", "name: key-room"), findings);
  auto const kind = word_index_of(fields.required("kind", "kind: file"), kinds, findings);
  MaterialSourceSettings source;
  if (!kind) {
    // Without its kind nothing can be said about these.
    fields.pass_over(std::array<std::string, 5>{"bits", "folder", "module", "token", "pin"});
    fields.finish();
    return std::nullopt;
  }
  bool const complete = read_kind(*kind, fields, folder, source, findings);
  refuse_foreign(fields, *kind);
  fields.finish();
  if (!name || !complete) return std::nullopt;
  source.name = MaterialSourceName(*name);
  return source;
}

}  // namespace

std::vector<MaterialSourceSettings> read_material_sources(Given const& given,
                                                          std::filesystem::path const& folder,
                                                          Findings& findings) {
  std::vector<MaterialSourceSettings> sources;
  UniqueNames names("a material source", findings);
  for (Given item : list_of(given, findings)) {
    item.label = "a material source";
    auto source = source_of(item, folder, findings);
    if (!source) continue;
    names.add(source->name.str(), item.at());
    sources.push_back(std::move(*source));
  }
  return sources;
}

}  // namespace rekeyd::config

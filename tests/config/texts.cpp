#include "tests/config/texts.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace rekeyd::config::test {

Environment no_environment() {
  return [](std::string const&) -> std::optional<std::string> { return std::nullopt; };
}

std::vector<std::string> lines(std::vector<Diagnostic> const& diagnostics) {
  std::vector<std::string> texts;
  for (Diagnostic const& diagnostic : diagnostics) texts.push_back(to_text(diagnostic));
  return texts;
}

std::string policy_file(std::vector<std::string> const& fields) {
  std::string text = "version: 1\npolicies:\n  - name: a\n    match: { key: x }\n";
  for (std::string const& field : fields) text += "    " + field + "\n";
  return text;
}

std::string settings_file(std::string const& top) {
  return "version: 1\n" + top +
         "providers:\n"
         "  - name: azure-prod\n"
         "    kind: azure-key-vault\n"
         "    vaults: [payments-eu]\n"
         "    credentials:\n"
         "      tenant: 11111111-2222-4333-8444-555555555555\n"
         "      client_id: 66666666-7777-4888-8999-000000000001\n"
         "      client_secret: { credential: azure-prod }\n";
}

std::string read(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(std::filesystem::path const& file, std::string const& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "rekeyd-config-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace rekeyd::config::test

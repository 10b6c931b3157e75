// Any bytes as an answer of Azure Resource Manager: parsers return a value or an error, never throw.
#include "providers/azure/arm_answer.hpp"
#include "providers/azure/arm_error.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/arm_operation.hpp"
#include "providers/azure/disk_encryption_set.hpp"
#include "providers/azure/sql_server.hpp"
#include "providers/azure/storage_account.hpp"
#include "providers/azure/virtual_machine.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace rekeyd;
using namespace rekeyd::providers;

void must(bool holds) {
  if (!holds) std::abort();
}

/// May stand in a path as it is, and means nothing there but itself.
bool is_plain(std::string_view name) {
  return name != "." && name != ".." && name.find_first_of("/?#% \r\n") == std::string_view::npos;
}

void use(azure::DiskEncryptionSet const& set) {
  must(set.id.is(azure::disk_encryption_set_type) && is_plain(set.id.name));
  Registration const tie = set.registration({ProviderName("p"), VaultName("v"), KeyId(set.key.name)});
  must(!tie.condition || !tie.condition->remedy.empty());
  must(!azure::write_active_key(set, "https://v/keys/k/1").empty());
}

void use(azure::StorageAccount const& account) {
  must(account.id.is("microsoft.storage/storageaccounts") && is_plain(account.id.name));
  must(account.key.host.empty() || azure::is_key_name(account.key.name));
  Registration const tie = account.registration({ProviderName("p"), VaultName("v"), KeyId(account.key.name)});
  must(tie.following != Following::by_itself || tie.version);
  must(!azure::write_account_key(account, {"v", "k", "1"}).empty());
}

void use(azure::EncryptionProtector const& protector) {
  must(azure::ArmId::parse(protector.server).has_value());
  must(protector.key.host.empty() || azure::is_version_id(protector.key.version));
  must(!azure::write_encryption_protector(protector, protector.key).empty());
}

void use(azure::SqlServerKey const& key) {
  must(key.id.is("microsoft.sql/servers/keys"));
  must(key.key.host.empty() || azure::is_version_id(key.key.version));
  must(azure::ArmId::parse("/subscriptions/s/resourcegroups/g/providers/p/t/n/keys/" +
                           azure::sql_server_key_name(key.key))
           .has_value());
}

void parse_all(std::string_view text) {
  std::string const where = "fuzz";
  if (auto const set = azure::parse_arm_item(text, where, azure::read_disk_encryption_set)) use(*set);
  if (auto const page = azure::parse_arm_page(text, where, azure::read_disk_encryption_set)) {
    for (auto const& set : page->items) use(set);
  }
  if (auto const account = azure::parse_arm_item(text, where, azure::read_storage_account)) use(*account);
  if (auto const page = azure::parse_arm_page(text, where, azure::read_storage_account)) {
    for (auto const& account : page->items) use(account);
  }
  if (auto const protector = azure::parse_arm_item(text, where, azure::read_encryption_protector)) {
    use(*protector);
  }
  if (auto const page = azure::parse_arm_page(text, where, azure::read_sql_server_key)) {
    for (auto const& key : page->items) use(key);
  }
  if (auto const page = azure::parse_arm_page(text, where, azure::read_virtual_machine)) {
    for (auto const& machine : page->items) must(!machine.id.path.empty());
  }
  if (auto const tied = azure::parse_associated_resources(text, where)) {
    for (auto const& resource : *tied) must(azure::ArmId::parse(resource.str()).has_value());
  }
  if (auto const id = azure::ArmId::parse(text)) must(azure::ArmId::parse(id->path).has_value());
  if (auto const place = azure::OperationPlace::parse(text)) must(place->text() == text);
}

void refuse_with(std::string_view text) {
  HttpResponse response;
  response.status = 409;
  response.body.assign(text);
  auto const error = azure::arm_error(response, "fuzz", Instant{});
  must(!error.what.empty() && error.what.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  parse_all(text);
  refuse_with(text);
  return 0;
}

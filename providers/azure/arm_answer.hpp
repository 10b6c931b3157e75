#pragma once
#include "policy/error.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/json_answer.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Answers of Azure Resource Manager about one resource, and pages of its lists: {"value":[..]}. What is read
/// of an entry, each type of resource says itself. Pure, never throws.
namespace rekeyd::providers::azure {

template <class Item>
struct ArmPage {
  std::vector<Item> items;
  std::vector<Error> defects;  ///< Entries that could not be read; the others are good.
};

template <class Item>
using ReadItem = Item (*)(JsonObject const& entry);

/// `where` goes into errors: the call that was answered.
template <class Item>
Result<Item> parse_arm_item(std::string_view body, std::string const& where, ReadItem<Item> read) {
  JsonAnswer answer(body);
  Item item = read(answer.root());
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return item;
}

template <class Item>
Result<ArmPage<Item>> parse_arm_page(std::string_view body, std::string const& where, ReadItem<Item> read) {
  JsonAnswer answer(body);
  ArmPage<Item> page;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    JsonDefect defect;
    Item item = read(entry.reporting_to(defect));
    if (defect.none()) {
      page.items.push_back(std::move(item));
    } else {
      page.defects.push_back(malformed_answer(defect, where));
    }
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
}

/// The entry's own id. One that is not of that type (in lower case; empty: any) is a defect, which calls it
/// `what`: "a disk encryption set".
ArmId read_arm_id(JsonObject const& entry, std::string_view type, std::string_view what);

}  // namespace rekeyd::providers::azure

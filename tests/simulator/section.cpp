#include "tests/simulator/section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace rekeyd::sim {

std::string to_text(std::string const& file, Mistake const& mistake) {
  if (mistake.line == 0) return fmt::format("{}: {}", file, mistake.message);
  return fmt::format("{}:{}:{}: {}: {}", file, mistake.line, mistake.column, mistake.field, mistake.message);
}

Mistake mistake_at(YAML::Mark const& mark, std::string field, std::string message) {
  return {mark.line + 1, mark.column + 1, std::move(field), std::move(message)};
}

Section::Section(YAML::Node const& node, std::string path, Mistakes& mistakes)
    : node_(node), path_(std::move(path)), mistakes_(&mistakes) {
  if (!node_.IsMap()) {
    mistakes.add(mistake_at(node.Mark(), path_, "a mapping with named fields was expected"));
    node_ = YAML::Node(YAML::NodeType::Map);
    return;
  }
  std::set<std::string> seen;
  for (auto const& entry : node_) {
    auto const name = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    if (!seen.insert(name).second) mistakes.add(mistake_at(entry.first.Mark(), field(name), "given twice"));
  }
}

std::string Section::field(std::string const& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

YAML::Node Section::node(std::string const& name) {
  known_.insert(name);
  // A const node's operator[] does not create what it does not find.
  YAML::Node const& constant = node_;
  YAML::Node const found = constant[name];
  if (!found.IsDefined()) return YAML::Node(YAML::NodeType::Undefined);
  return found;
}

bool Section::has(std::string const& name) { return node(name).IsDefined(); }

void Section::mistake(std::string const& name, std::string const& message) {
  auto const found = node(name);
  mistakes_->add(mistake_at(found.IsDefined() ? found.Mark() : node_.Mark(), field(name), message));
}

std::optional<std::string> Section::scalar(std::string const& name, char const* expected) {
  auto const found = node(name);
  if (!found.IsDefined()) return std::nullopt;
  if (!found.IsScalar()) {
    mistake(name, fmt::format("{} was expected", expected));
    return std::nullopt;
  }
  return found.Scalar();
}

std::string Section::text(std::string const& name) {
  if (!has(name)) {
    mistake(name, "is missing");
    return {};
  }
  return text(name, {});
}

std::string Section::text(std::string const& name, std::string const& fallback) {
  return scalar(name, "a text").value_or(fallback);
}

std::string Section::word(std::string const& name, std::set<std::string> const& one_of,
                          std::string const& fallback) {
  auto const found = fallback.empty() ? text(name) : text(name, fallback);
  if (!found.empty() && !one_of.contains(found)) {
    mistake(name, fmt::format("'{}' is not one of {}", found, fmt::join(one_of, ", ")));
    return fallback;
  }
  return found;
}

long Section::number(std::string const& name, long least, long most, long fallback) {
  auto const found = scalar(name, "a number");
  if (!found) return fallback;
  long value = 0;
  auto const [end, error] = std::from_chars(found->data(), found->data() + found->size(), value);
  if (error != std::errc() || end != found->data() + found->size() || value < least || value > most) {
    mistake(name, fmt::format("'{}' is not a whole number from {} to {}", *found, least, most));
    return fallback;
  }
  return value;
}

double Section::fraction(std::string const& name, double fallback) {
  auto const found = scalar(name, "a number from 0 to 1");
  if (!found) return fallback;
  double value = 0;
  auto const [end, error] = std::from_chars(found->data(), found->data() + found->size(), value);
  if (error != std::errc() || end != found->data() + found->size() || value < 0 || value > 1) {
    mistake(name, fmt::format("'{}' is not a number from 0 to 1", *found));
    return fallback;
  }
  return value;
}

bool Section::flag(std::string const& name, bool fallback) {
  auto const found = scalar(name, "true or false");
  if (!found) return fallback;
  if (*found != "true" && *found != "false") mistake(name, fmt::format("'{}' is not true or false", *found));
  return *found == "true";
}

std::vector<std::string> Section::texts(std::string const& name) {
  std::vector<std::string> result;
  auto const found = node(name);
  if (!found.IsDefined()) return result;
  if (!found.IsSequence()) mistake(name, "a list of texts was expected");
  for (auto const& entry : found) {
    if (!entry.IsScalar()) {
      mistake(name, "a list of texts was expected");
      return result;
    }
    result.push_back(entry.Scalar());
  }
  return result;
}

std::map<std::string, std::string> Section::text_map(std::string const& name) {
  std::map<std::string, std::string> result;
  auto const found = node(name);
  if (!found.IsDefined()) return result;
  if (!found.IsMap()) {
    mistake(name, "a mapping of texts was expected");
    return result;
  }
  for (auto const& entry : found) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
      mistake(name, "a mapping of texts was expected");
      return result;
    }
    result.emplace(entry.first.Scalar(), entry.second.Scalar());
  }
  return result;
}

std::vector<Section> Section::sections(std::string const& name) {
  std::vector<Section> result;
  auto const found = node(name);
  if (!found.IsDefined()) return result;
  if (!found.IsSequence()) {
    mistake(name, "a list was expected");
    return result;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    result.emplace_back(found[i], fmt::format("{}[{}]", field(name), i), *mistakes_);
  }
  return result;
}

std::optional<Section> Section::section(std::string const& name) {
  auto const found = node(name);
  if (!found.IsDefined()) return std::nullopt;
  return Section(found, field(name), *mistakes_);
}

void Section::finish() {
  for (auto const& entry : node_) {
    auto const name = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
    if (known_.contains(name)) continue;
    mistakes_->add(mistake_at(entry.first.Mark(), field(name),
                              fmt::format("unknown field; known here: {}", fmt::join(known_, ", "))));
  }
}

}  // namespace rekeyd::sim

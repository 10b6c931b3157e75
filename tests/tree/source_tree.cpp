#include "tests/tree/source_tree.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace rekeyd::tree {
namespace {

namespace fs = std::filesystem;

std::string read(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return text;
}

bool is_foreign(fs::path const& folder) {
  auto const name = folder.filename().string();
  return name.starts_with('.') || name.starts_with("build") || name == "node_modules";
}

std::vector<std::string> list_paths() {
  fs::path const root = REKEYD_SOURCE_DIR;
  std::vector<std::string> paths;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    if (at->is_directory() && is_foreign(at->path())) {
      at.disable_recursion_pending();
    } else if (at->is_regular_file()) {
      paths.push_back(at->path().lexically_relative(root).generic_string());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

// Blanks [from, to) of the text but for its line ends.
void blank(std::string& text, std::size_t from, std::size_t to) {
  for (auto i = from; i < std::min(to, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

std::size_t after(std::string_view text, std::string_view closing, std::size_t from) {
  auto const at = text.find(closing, from);
  return at == std::string_view::npos ? text.size() : at + closing.size();
}

// The end of a quoted text that begins at `from`, past its closing quote.
std::size_t after_quoted(std::string_view text, std::size_t from) {
  char const quote = text[from];
  for (auto i = from + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return std::min(from + 1, text.size());
}

// The end of R"x(...)x" whose quote is at `from`.
std::size_t after_raw(std::string_view text, std::size_t from) {
  auto const open = text.find('(', from);
  if (open == std::string_view::npos) return text.size();
  auto const closing = ")" + std::string(text.substr(from + 1, open - from - 1)) + "\"";
  return after(text, closing, open);
}

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::vector<std::string> const& all_paths() {
  static std::vector<std::string> const paths = list_paths();
  return paths;
}

std::vector<SourceFile> const& source_files() {
  static std::vector<SourceFile> const files = [] {
    std::vector<SourceFile> found;
    for (auto const& path : all_paths()) {
      if (path.ends_with(".cpp") || path.ends_with(".hpp"))
        found.push_back({path, read(fs::path(REKEYD_SOURCE_DIR) / path)});
    }
    return found;
  }();
  return files;
}

std::string code_of(std::string_view text) {
  std::string code(text);
  for (std::size_t i = 0; i < text.size();) {
    auto const rest = text.substr(i);
    bool const in_word = i > 0 && is_word_character(text[i - 1]);
    auto end = i + 1;
    if (rest.starts_with("//")) {
      end = after(text, "\n", i);
      blank(code, i, end);
    } else if (rest.starts_with("/*")) {
      end = after(text, "*/", i + 2);
      blank(code, i, end);
    } else if (rest.starts_with("R\"") && !in_word) {
      end = after_raw(text, i + 1);
      blank(code, i + 2, end - 1);
    } else if (rest.front() == '"' || (rest.front() == '\'' && !in_word)) {  // 1'000 is a number
      end = after_quoted(text, i);
      blank(code, i + 1, end - 1);
    }
    i = end;
  }
  return code;
}

std::size_t line_of(std::string_view text, std::size_t position) {
  auto const before = text.substr(0, position);
  return 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
}

}  // namespace rekeyd::tree

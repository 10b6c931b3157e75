#include "tests/tree/await_shapes.hpp"

#include <array>
#include <cctype>
#include <optional>
#include <regex>

namespace rekeyd::tree {
namespace {

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::string_view last_word(std::string_view text) {
  auto size = text.size();
  while (size > 0 && is_word_character(text[size - 1])) --size;
  return text.substr(size);
}

bool contains_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    bool const begins = at == 0 || !is_word_character(text[at - 1]);
    auto const end = at + word.size();
    if (begins && (end == text.size() || !is_word_character(text[end]))) return true;
  }
  return false;
}

// The text before the bracket that the last character of `text` closes.
std::string_view before_match(std::string_view text, char open, char close) {
  int depth = 0;
  for (auto i = text.size(); i-- > 0;) {
    if (text[i] == close) ++depth;
    if (text[i] == open && --depth == 0) return text.substr(0, i);
  }
  return {};
}

// If `text` ends with the introducer of a lambda ("[this](int n) mutable -> T"), what it captures.
std::optional<std::string> lambda_captures(std::string_view text) {
  text = trimmed(text);
  auto const arrow = text.rfind("->");
  if (arrow != std::string_view::npos && text.substr(arrow).find_first_of("(;{}?") == std::string_view::npos)
    text = trimmed(text.substr(0, arrow));
  for (auto word = last_word(text); word == "mutable" || word == "noexcept"; word = last_word(text))
    text = trimmed(text.substr(0, text.size() - word.size()));
  if (text.ends_with(')')) text = trimmed(before_match(text, '(', ')'));
  if (!text.ends_with(']')) return std::nullopt;
  auto const before = trimmed(before_match(text, '[', ']'));
  bool const subscript =
      !before.empty() && (is_word_character(before.back()) || before.back() == ')' || before.back() == ']');
  auto const word = last_word(before);
  if (subscript && word != "return" && word != "co_return" && word != "co_await") return std::nullopt;
  auto const open = text.find('[', before.size());
  return std::string(text.substr(open + 1, text.size() - open - 2));
}

// Does a '{' after this text begin a block, rather than a value?
bool begins_block(std::string_view statement) {
  auto const text = trimmed(statement);
  if (text.empty()) return true;
  static std::regex const head(
      R"(^\s*(template\s*<[^{]*>\s*)?(inline\s+)?(namespace|struct|class|union|enum|extern|switch)\b[^=]*$)");
  if (std::regex_search(text.begin(), text.end(), head)) return true;
  if (lambda_captures(text)) return true;
  if (text.back() == ')' || text.back() == ':') return true;
  // A function's trailing return type, with nothing of an expression in it.
  auto const arrow = text.rfind("->");
  if (arrow != std::string_view::npos && arrow > 0 && trimmed(text.substr(0, arrow)).ends_with(')') &&
      text.find("co_await") == std::string_view::npos)
    return true;
  static constexpr std::array<std::string_view, 9> words{
      "else", "do", "try", "const", "noexcept", "override", "final", "mutable", "requires"};
  auto const word = last_word(text);
  for (auto const& known : words) {
    if (word == known) return true;
  }
  return false;
}

// One statement under way, or one nested in it (the body of a lambda).
struct Level {
  std::string text;
  int parentheses{0};
  std::size_t await_line{0};  ///< Of its first co_await; 0: none.
  bool braces{false};         ///< A value made with braces is in it.
  bool capturing_lambda{false};
  bool called_lambda{false};           ///< A capturing coroutine lambda is called where it stands.
  std::optional<std::string> body_of;  ///< This level is a lambda's body; what it captures.
  bool awaits_inside{false};           ///< Some statement of this body awaits.
  std::vector<bool> brace_is_block;
};

class Reader {
 public:
  explicit Reader(std::string_view code) : code_(code) { levels_.emplace_back(); }

  std::vector<RiskyAwait> read() {
    for (at_ = 0; at_ < code_.size(); ++at_) step(code_[at_]);
    finish();
    return std::move(found_);
  }

 private:
  Level& level() { return levels_.back(); }

  void step(char c) {
    if (c == '\n') ++line_;
    if (c == '#' && trimmed(level().text).empty()) return skip_directive();
    if (c == '{') return open_brace();
    if (c == '}') return close_brace();
    if (c == '(') ++level().parentheses;
    if (c == ')') --level().parentheses;
    if (c == ';' && level().parentheses <= 0) return finish();
    level().text += c;
    if (level().await_line == 0 && level().text.ends_with("co_await")) level().await_line = line_;
  }

  void skip_directive() {
    while (at_ < code_.size() && code_[at_] != '\n') {
      if (code_[at_] == '\\' && at_ + 1 < code_.size() && code_[at_ + 1] == '\n') {
        ++line_;
        ++at_;
      }
      ++at_;
    }
    ++line_;
  }

  void open_brace() {
    bool const block = begins_block(level().text);
    level().brace_is_block.push_back(block);
    if (!block) {
      level().braces = true;
      level().text += '{';
      return;
    }
    auto captures = lambda_captures(level().text);
    if (!captures && level().parentheses <= 0) finish();
    if (captures && !captures->empty()) level().capturing_lambda = true;
    Level inner;
    inner.body_of = std::move(captures);
    levels_.push_back(std::move(inner));
  }

  void close_brace() {
    if (levels_.size() > 1 && level().brace_is_block.empty()) {
      finish();
      auto const ended = std::move(level());
      levels_.pop_back();
      level().brace_is_block.pop_back();
      bool const plain_block = !ended.body_of;
      if (plain_block) level().awaits_inside = level().awaits_inside || ended.awaits_inside;
      bool const called = code_.substr(at_ + 1).starts_with('(');
      if (ended.body_of && !ended.body_of->empty() && ended.awaits_inside && called)
        level().called_lambda = true;
      // A block ends its statement; a lambda's body is a word in it.
      if (ended.body_of) level().text += "{}";
      return;
    }
    if (!level().brace_is_block.empty()) level().brace_is_block.pop_back();
    level().text += '}';
  }

  void finish() {
    auto& ended = level();
    bool const awaits = ended.await_line != 0;
    if (awaits) {
      ended.awaits_inside = true;
      if (ended.text.find('?') != std::string::npos)
        note(ended.await_line, "a conditional (? :) beside co_await");
      if (ended.capturing_lambda) note(ended.await_line, "a capturing lambda beside co_await");
      if (ended.braces) note(ended.await_line, "a value made with braces beside co_await");
    }
    if (ended.called_lambda && contains_word(ended.text, "co_spawn"))
      note(line_, "a capturing coroutine lambda that is called at once dies before it runs");
    ended.text.clear();
    ended.await_line = 0;
    ended.braces = ended.capturing_lambda = ended.called_lambda = false;
  }

  void note(std::size_t line, char const* shape) { found_.push_back({line, shape}); }

  std::string_view code_;
  std::size_t at_{0};
  std::size_t line_{1};
  std::vector<Level> levels_;
  std::vector<RiskyAwait> found_;
};

}  // namespace

std::vector<RiskyAwait> find_risky_awaits(std::string_view code) { return Reader(code).read(); }

}  // namespace rekeyd::tree

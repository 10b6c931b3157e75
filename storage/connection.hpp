#pragma once
#include "policy/instant.hpp"
#include "policy/names.hpp"
#include "storage/sqlite_error.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

/// SQLite behind types. Everything here throws (SQLite::Exception or Refusal); the classes that implement the
/// Store seam catch with guarded().
namespace rekeyd::storage {

/// SQL text that lives as long as the program: what a cached statement is found by.
struct Sql {
  consteval Sql(char const* literal) : text(literal) {}  // NOLINT: implicit, so that literals just work
  template <std::size_t size>
  consteval Sql(std::array<char, size> const& joined) : text(joined.data()) {}  // NOLINT: as above
  char const* text;
};

/// Two literals as one, for queries that share their columns. Keep it in a `static constexpr` variable.
template <std::size_t head, std::size_t tail>
consteval std::array<char, head + tail - 1> joined(char const (&first)[head], char const (&second)[tail]) {
  std::array<char, head + tail - 1> text{};
  std::copy_n(first, head - 1, text.begin());
  std::copy_n(second, tail, text.begin() + head - 1);
  return text;
}

/// One use of a prepared statement. At its end the statement is reset, so that no read transaction stays open
/// behind it and keeps the WAL from being checkpointed.
class Query {
 public:
  explicit Query(SQLite::Statement& statement) : statement_(statement) {}
  Query(Query const&) = delete;
  Query& operator=(Query const&) = delete;
  ~Query() { statement_.tryReset(); }

  /// Binds to ?1, ?2, ... in order and runs to the end. Texts are not copied: they live until this returns.
  /// A KeyRef takes three places.
  template <class... Values>
  void run(Values const&... values) {
    index_ = 0;
    (put(values), ...);
    statement_.exec();
  }

  /// Binds in order for reading; texts are copied.
  template <class... Values>
  Query& with(Values const&... values) {
    index_ = 0;
    copy_ = true;
    (put(values), ...);
    return *this;
  }

  /// Binds one value at ?`place` for reading; for texts that do not use every place.
  template <class Value>
  void at(int place, Value const& value) {
    index_ = place - 1;
    copy_ = true;
    put(value);
  }

  /// The next row, or false at the end.
  bool next() {
    column_ = 0;
    return statement_.executeStep();
  }

  /// The row's next column, left to right.
  template <class T>
  T take();

  /// The row's next column as an enumeration; a word that `parse` does not know is a damaged row.
  template <class Enum>
  Enum take_word(std::optional<Enum> (*parse)(std::string_view), char const* column) {
    auto const word = take<std::string>();
    if (auto const value = parse(word)) return *value;
    refuse_word(word, column);
  }

  /// The row's next column as a key's full reference, or nothing for NULL; another text is a damaged row.
  std::optional<KeyRef> take_reference(char const* column) {
    auto const text = take<std::optional<std::string>>();
    if (!text) return std::nullopt;
    if (auto key = KeyRef::parse(*text)) return key;
    refuse_word(*text, column);
  }

  /// The row's next column as it lies in SQLite's memory; valid until next().
  std::optional<std::string_view> take_view();

 private:
  void put(std::string const& text);
  void put(std::string_view text);
  void put(char const* text) { statement_.bind(++index_, text); }
  void put(std::int64_t number) { statement_.bind(++index_, number); }
  void put(int number) { statement_.bind(++index_, number); }
  void put(unsigned number) { put(std::int64_t{number}); }
  void put(bool flag) { put(flag ? 1 : 0); }
  void put(Instant instant) { put(std::int64_t{instant.time_since_epoch().count()}); }
  void put(std::array<std::uint8_t, 32> const& blob);
  template <class Tag>
  void put(Name<Tag> const& name) {
    put(name.str());
  }
  void put(KeyRef const& ref) {
    put(ref.provider);
    put(ref.vault);
    put(ref.id);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void put(Enum value) {
    put(to_text(value));
  }
  template <class T>
  void put(std::optional<T> const& value) {
    if (value) {
      put(*value);
    } else {
      statement_.bind(++index_);
    }
  }

  [[noreturn]] static void refuse_word(std::string const& word, char const* column);

  SQLite::Statement& statement_;
  int index_{0};
  int column_{0};
  bool copy_{false};
};

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
T Query::take() {
  if constexpr (is_optional<T>::value) {
    if (statement_.isColumnNull(column_)) {
      ++column_;
      return std::nullopt;
    }
    return take<typename T::value_type>();
  } else if constexpr (std::is_same_v<T, KeyRef>) {
    auto provider = take<ProviderName>();
    auto vault = take<VaultName>();
    auto id = take<KeyId>();
    return {std::move(provider), std::move(vault), std::move(id)};
  } else {
    SQLite::Column const column = statement_.getColumn(column_++);
    if constexpr (std::is_same_v<T, bool>) {
      return column.getInt() != 0;
    } else if constexpr (std::is_same_v<T, int>) {
      return column.getInt();
    } else if constexpr (std::is_same_v<T, int>) {
      return static_cast<int>(column.getInt64());
    } else if constexpr (std::is_same_v<T, unsigned>) {
      return static_cast<unsigned>(column.getInt64());
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      return column.getInt64();
    } else if constexpr (std::is_same_v<T, Instant>) {
      return Instant(std::chrono::seconds(column.getInt64()));
    } else {
      return T(column.getString());
    }
  }
}

enum class Access {
  read_write,
  read_only,
  immutable,  ///< Read-only without locks and side files: a copy, or a folder that may not be written.
};

/// One open database file with its prepared statements.
class Connection {
 public:
  /// `vfs`: SQLite's VFS by name; empty: the system's own.
  Connection(std::filesystem::path const& path, Access access, std::chrono::milliseconds busy_timeout,
             std::string const& vfs = {});

  /// A statement is compiled once; two uses of the same text must not overlap.
  Query query(Sql sql);
  /// For text made at run time; not cached.
  SQLite::Statement prepare(std::string const& text) { return SQLite::Statement(database_, text); }
  void execute(std::string const& sql) { database_.exec(sql); }
  std::int64_t number(std::string const& sql);
  std::string text(std::string const& sql);

  SQLite::Database& database() { return database_; }
  /// What an error says as its place.
  std::string const& where() const { return where_; }

 private:
  std::string where_;
  SQLite::Database database_;
  std::unordered_map<char const*, SQLite::Statement> statements_;  // after database_: ends first
};

}  // namespace rekeyd::storage

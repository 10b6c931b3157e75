#pragma once
#include "policy/error.hpp"

#include <string>
#include <string_view>

namespace rekeyd::rekeyctl {

enum class Format { table, json, csv };

/// Data goes to stdout, words to stderr. A reader that went away (`| head`) is no error and is not mentioned;
/// a full disk is.
class Output {
 public:
  Output();

  bool colour() const { return colour_; }
  void data(std::string_view text);
  /// One line of `json` (as the protocol writes it), laid out for people and diffs.
  void json(std::string const& text);
  /// "rekeyctl: SENTENCE\n".
  void words(std::string_view sentence);
  void failure(Error const& error) { words(to_text(error)); }
  /// Whether all data could be written.
  bool complete() const { return complete_; }

 private:
  bool colour_;
  bool complete_{true};
  bool reader_gone_{false};
};

}  // namespace rekeyd::rekeyctl

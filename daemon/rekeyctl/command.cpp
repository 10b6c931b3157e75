#include "daemon/rekeyctl/command.hpp"

#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

void add_format(CLI::App& command, Format& format, bool csv) {
  std::vector<std::string> words{"table", "json"};
  if (csv) words.emplace_back("csv");
  auto const take = [&format](std::string const& word) {
    format = word == "json" ? Format::json : word == "csv" ? Format::csv : Format::table;
  };
  command.add_option_function<std::string>("-o,--output", take, csv ? "table, json or csv" : "table or json")
      ->check(CLI::IsMember(words))
      ->option_text("FORMAT");
}

Exit failed(Output& out, Error const& error) {
  out.failure(error);
  return error.code == "bad_request" ? Exit::usage : Exit::error;
}

Exit failed_on_database(Output& out, Error const& error) {
  out.failure(error);
  return error.code == "not_sound" ? Exit::integrity : Exit::error;
}

}  // namespace rekeyd::rekeyctl

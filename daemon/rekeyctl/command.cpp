#include "daemon/rekeyctl/command.hpp"

#include <map>

namespace rekeyd::rekeyctl {

void add_format(CLI::App& command, Format& format, bool csv) {
  std::map<std::string, Format> words{{"table", Format::table}, {"json", Format::json}};
  if (csv) words.emplace("csv", Format::csv);
  command.add_option("-o,--output", format, csv ? "table, json or csv" : "table or json")
      ->transform(CLI::Transformer(words, CLI::ignore_case))
      ->check(CLI::IsMember(words))
      ->option_text("FORMAT");
}

Exit failed(Output& out, Error const& error) {
  out.failure(error);
  return Exit::error;
}

}  // namespace rekeyd::rekeyctl

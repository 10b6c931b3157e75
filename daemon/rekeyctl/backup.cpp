// rekeyctl backup: an online copy of the database, examined before it gets its name. Reads only; no daemon
// needed.
#include "storage/backup.hpp"

#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <filesystem>

namespace rekeyd::rekeyctl {

namespace json = boost::json;

namespace {

struct Options {
  Format format{Format::table};
  std::string file, database, config;
  bool replace{false};
};

json::object to_json(storage::BackupFacts const& facts) {
  json::object out{{"schema", "rekeyd.backup/1"},
                   {"file", facts.file.string()},
                   {"head", head_text(facts.head)},
                   {"newest_event", nullptr},
                   {"bytes", facts.bytes}};
  if (facts.newest_event) out["newest_event"] = to_rfc3339(*facts.newest_event);
  return out;
}

std::string table_text(storage::BackupFacts const& facts) {
  return fmt::format("backup  {}\nhead    {}\nnewest  {}\nbytes   {}\n", facts.file.string(),
                     head_text(facts.head), moment(facts.newest_event), facts.bytes);
}

Exit run(Options const& options, Output& out) {
  auto const path = database(options.database, options.config, config::process_environment());
  if (!path) return failed(out, path.error());
  auto const made = storage::back_up(*path, std::filesystem::absolute(options.file), options.replace);
  if (!made) return failed_on_database(out, made.error());
  if (options.format == Format::json) {
    out.json(json::serialize(to_json(*made)));
  } else {
    out.data(table_text(*made));
  }
  out.words("the copy is whole and its history sound; keep it on another disk, and its head elsewhere again");
  return Exit::well;
}

}  // namespace

void add_backup(Commands const& commands) {
  auto const [command, options] = commands.add(
      "backup", "Copy the database while rekeyd runs or not, and examine the copy (exit 5: it is not sound)",
      run);
  command->add_option("file", options->file, "The new file")->required()->option_text("FILE");
  command->add_flag("--replace", options->replace, "Take the place of a file that is there already");
  add_database_options(*command, options->database, options->config);
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

// rekeyctl restore: a backup takes the database's place while rekeyd is down; at its next start rekeyd
// believes nothing of it before it has read the providers.
#include "storage/restore.hpp"

#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/wording.hpp"
#include "providers/system/system_clock.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <filesystem>

#include <pwd.h>
#include <unistd.h>

namespace rekeyd::rekeyctl {

namespace json = boost::json;

namespace {

struct Options {
  Format format{Format::table};
  std::string file, database, config;
};

/// "uid 0 (root)", and who became that by sudo.
std::string caller(config::Environment const& environment) {
  uid_t const uid = ::getuid();
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  std::string text =
      found != nullptr ? fmt::format("uid {} ({})", uid, entry.pw_name) : fmt::format("uid {}", uid);
  if (auto const before = environment("SUDO_USER"); before && !before->empty())
    text += ", sudo by " + *before;
  return text;
}

json::value text_or_null(std::optional<std::string> const& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

std::optional<std::string> optional_head(std::optional<storage::HistoryHead> const& head) {
  return head ? std::optional(head_text(*head)) : std::nullopt;
}

json::object to_json(storage::RestoreReport const& report, std::filesystem::path const& database) {
  json::object out{{"schema", "rekeyd.restore/1"},
                   {"database", database.string()},
                   {"backup", report.backup.file.string()},
                   {"backup_head", head_text(report.backup.head)},
                   {"newest_event", nullptr},
                   {"head", head_text(report.head)},
                   {"replaced_head", text_or_null(optional_head(report.replaced_head))},
                   {"kept", nullptr}};
  if (report.backup.newest_event) out["newest_event"] = to_rfc3339(*report.backup.newest_event);
  if (report.kept) out["kept"] = report.kept->string();
  return out;
}

std::string table_text(storage::RestoreReport const& report, std::filesystem::path const& database) {
  return fmt::format(
      "database       {}\nbackup         {}\nbackup head    {}\nnewest         {}\nhead           "
      "{}\nreplaced head  "
      "{}\nkept           {}\n",
      database.string(), report.backup.file.string(), head_text(report.backup.head),
      moment(report.backup.newest_event), head_text(report.head),
      optional_head(report.replaced_head).value_or("-"), report.kept ? report.kept->string() : "-");
}

Exit run(Options const& options, Output& out) {
  auto const environment = config::process_environment();
  auto const path = database(options.database, options.config, environment);
  if (!path) return failed(out, path.error());
  storage::RestoreOrder order;
  order.backup = std::filesystem::absolute(options.file);
  order.database = *path;
  order.by = caller(environment);
  order.now = providers::make_system_clock()->wall_now();
  auto const report = storage::restore(order);
  if (!report) return failed_on_database(out, report.error());
  if (options.format == Format::json) {
    out.json(json::serialize(to_json(*report, *path)));
  } else {
    out.data(table_text(*report, *path));
  }
  out.words(
      "start rekeyd: it reads every key at its provider first, begins nothing before, and no rotation for an "
      "hour; rekeyctl status tells how far it is");
  return Exit::well;
}

}  // namespace

void add_restore(Commands const& commands) {
  auto const [command, options] = commands.add(
      "restore", "Put a backup in the database's place while rekeyd is stopped (exit 5: it is not sound)",
      run);
  command->add_option("file", options->file, "What rekeyctl backup wrote")->required()->option_text("FILE");
  add_database_options(*command, options->database, options->config);
  add_format(*command, options->format);
}

}  // namespace rekeyd::rekeyctl

#include "storage/sqlite_error.hpp"

#include "storage/storage_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <exception>
#include <new>
#include <string_view>

namespace rekeyd::storage {

namespace {

/// What a result code means for the person who has to mend it. Extended codes come before the primary code
/// that they belong to.
struct Meaning {
  int code;
  char const* name;
  char const* what;
  char const* remedy;
};

constexpr char const* damaged =
    "stop rekeyd, keep the damaged file with its -wal and -shm for examination, and look for disk errors in "
    "the kernel log";
constexpr char const* look_at_disk =
    "look for disk errors in the kernel log and at the mount of the database's file system";

constexpr Meaning meanings[] = {
    {SQLITE_FULL, "SQLITE_FULL", "the disk is full",
     "free space on the database's file system (its -wal file needs room too); nothing was written, and work "
     "goes on by itself when there is room"},
    {SQLITE_BUSY, "SQLITE_BUSY", "another process holds the database's lock",
     "end the other writer (fuser -v on the file names it); only rekeyd writes here"},
    {SQLITE_LOCKED, "SQLITE_LOCKED", "the database is locked by another use in this process",
     "restart rekeyd"},
    {SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC", "the disk refused to make a write durable", look_at_disk},
    {SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE", "the disk refused a write",
     "look for a file size limit (ulimit -f), a quota, and disk errors in the kernel log"},
    {SQLITE_IOERR_READ, "SQLITE_IOERR_READ", "the disk refused a read", look_at_disk},
    {SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ", "the file is shorter than it says", damaged},
    {SQLITE_IOERR, "SQLITE_IOERR", "the disk failed", look_at_disk},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT", "the database file is damaged", damaged},
    {SQLITE_NOTADB, "SQLITE_NOTADB", "the file is not an SQLite database",
     "name rekeyd's own database file, or move this file away and let rekeyd make a new one"},
    {SQLITE_READONLY, "SQLITE_READONLY", "the database may not be written",
     "make the file and its folder writable for rekeyd's user, and check that the file system is not mounted "
     "read-only"},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN", "the database cannot be opened",
     "check that the path exists and that this user may enter its folders and read the file; WAL's side "
     "files "
     "(-wal, -shm) must be readable too"},
    {SQLITE_PERM, "SQLITE_PERM", "access to the database is refused",
     "check the file's owner, group and mode"},
    {SQLITE_AUTH, "SQLITE_AUTH", "access to the database is refused",
     "check the file's owner, group and mode"},
    {SQLITE_NOMEM, "SQLITE_NOMEM", "there is not enough memory", "give the service more memory (MemoryMax=)"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG", "a value is too big for the database",
     "report this with the name of the key: no answer of a provider should be that big"},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER", "the database's own rules refuse this",
     "run rekeyctl verify: someone else has written into the history"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY", "it names something that is not stored",
     "report this with the log: rekeyd recorded things out of order"},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT", "the database's own rules refuse this",
     "report this with the log: rekeyd recorded something that cannot be"},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH", "a value has the wrong type", "report this with the log"},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA", "the database's tables changed under us", "restart rekeyd"},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL", "the database's locks do not work here",
     "keep the database on a local file system, not on a network share"},
};

Meaning meaning_of(int extended) {
  for (Meaning const& meaning : meanings) {
    if (meaning.code == extended) return meaning;
  }
  for (Meaning const& meaning : meanings) {
    if (meaning.code == (extended & 0xff)) return meaning;
  }
  return {extended, "", "the database failed", "report this with the log"};
}

Error from_sqlite(SQLite::Exception const& exception, std::string const& where, std::string const& doing) {
  // SQLiteCpp's own checks (a column that is not there, ...) carry -1: mistakes of ours.
  int const extended =
      exception.getExtendedErrorCode() > 0 ? exception.getExtendedErrorCode() : exception.getErrorCode();
  Meaning const meaning = meaning_of(extended);
  std::string code = meaning.name[0] != '\0' ? meaning.name : fmt::format("SQLITE_{}", extended);
  return storage_error(fmt::format("cannot {}: {} ({})", doing, meaning.what, exception.what()), where,
                       std::move(code), meaning.remedy);
}

}  // namespace

void refuse(std::string what, std::string code, std::string remedy) {
  throw Refusal{storage_error(std::move(what), "", std::move(code), std::move(remedy))};
}

int primary_code(SQLite::Exception const& exception) { return exception.getErrorCode() & 0xff; }

Error current_error(std::string const& where, std::string const& doing) {
  try {
    throw;
  } catch (Refusal& refusal) {
    Error error = std::move(refusal.error);
    error.what = fmt::format("cannot {}: {}", doing, error.what);
    error.where = where;
    return error;
  } catch (SQLite::Exception const& exception) {
    return from_sqlite(exception, where, doing);
  } catch (std::bad_alloc const&) {
    return storage_error(fmt::format("cannot {}: there is not enough memory", doing), where, "out_of_memory",
                         "give the service more memory (MemoryMax=)");
  } catch (std::exception const& exception) {
    return storage_error(fmt::format("cannot {}: {}", doing, exception.what()), where, "unexpected",
                         "report this with the log");
  }
}

}  // namespace rekeyd::storage

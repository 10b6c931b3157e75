// rekeyd-replace-files FOLDER: the yardstick beside wrk for a rewrap's files. Replaces each file of FOLDER
// (no sub-folders) by a copy of itself, as durably as rekeyd does and with nothing else: the old text is
// read, a new file written beside it; after each 200 all are brought to the disk together, renamed, and the
// folder flushed. Prints one line of JSON: {"files": N, "microseconds": T}.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr std::size_t batch_size = 200;

int checked(int result) {
  if (result < 0) throw std::runtime_error("a call to the file system failed");
  return result;
}

std::string read_whole(int fd, std::string const& name) {
  std::string text(std::size_t{1} << 16U, '\0');
  ssize_t const got = ::read(fd, text.data(), text.size());
  if (got < 0 || static_cast<std::size_t>(got) == text.size())
    throw std::runtime_error("cannot read " + name);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void write_beside(int folder, std::string const& name, std::string const& text) {
  int const fd =
      checked(::openat(folder, (name + ".new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot write beside " + name);
  checked(::close(fd));
}

/// With the last descriptor of a replaced file its blocks are freed, which some disks take their time for.
void close_side_by_side(std::vector<int> const& files) {
  std::atomic<std::size_t> next{0};
  auto const run = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) checked(::close(files[i]));
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < 8; ++i) threads.emplace_back(run);
  run();
}

void replace(int folder, std::vector<std::string> const& names) {
  std::vector<int> old;
  for (std::string const& name : names) {
    old.push_back(checked(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC)));
    write_beside(folder, name, read_whole(old.back(), name));
  }
  checked(::syncfs(folder));
  for (std::string const& name : names) {
    checked(::renameat(folder, (name + ".new").c_str(), folder, name.c_str()));
  }
  std::set<std::string> parents;
  for (std::string const& name : names)
    parents.insert("./" + std::filesystem::path(name).parent_path().string());
  for (std::string const& parent : parents) {
    int const fd = checked(::openat(folder, parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    checked(::fsync(fd));
    checked(::close(fd));
  }
  close_side_by_side(old);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: rekeyd-replace-files FOLDER\n", stderr);
    return 64;
  }
  try {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
      if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(argv[1]));
    }
    if (names.empty()) throw std::runtime_error("there are no files in that folder");
    int const folder = checked(::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto const begun = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < names.size(); done += batch_size) {
      std::size_t const end = std::min(done + batch_size, names.size());
      replace(folder, {names.begin() + static_cast<std::ptrdiff_t>(done),
                       names.begin() + static_cast<std::ptrdiff_t>(end)});
    }
    auto const took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    std::printf("{\"files\": %zu, \"microseconds\": %lld}\n", names.size(),
                static_cast<long long>(took.count()));
  } catch (std::exception const& error) {
    std::fprintf(stderr, "rekeyd-replace-files: %s\n", error.what());
    return 1;
  }
  return 0;
}

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

/// Runs a libFuzzer harness without libFuzzer: every file given (or below a folder given) once as it is, then
/// seeded mutations of them. GCC has no -fsanitize=fuzzer; with this its sanitizers still see the harnesses.
///
///     fuzz_config_policy_file [--mutations N] [--seed N] FILE|FOLDER...
///
/// An input under which the harness dies is left in ./<program>.input for a closer look.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::string read(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> inputs(std::vector<std::string> const& paths) {
  std::vector<fs::path> files;
  for (std::string const& path : paths) {
    if (!fs::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (auto const& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  std::vector<std::string> texts{""};
  for (fs::path const& file : files) texts.push_back(read(file));
  return texts;
}

/// A number below `end` in the same way on every machine: the standard's distributions are not.
std::size_t below(std::mt19937_64& random, std::size_t end) { return end == 0 ? 0 : random() % end; }

void mutate_once(std::string& text, std::vector<std::string> const& others, std::mt19937_64& random) {
  std::size_t const at = below(random, text.size() + 1);
  std::size_t const length = below(random, std::min<std::size_t>(text.size() - at, 32) + 1);
  switch (below(random, 6)) {
    case 0:
      text.insert(at, 1, static_cast<char>(random()));
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.insert(at, text.substr(at, length));
      break;
    case 3:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
      break;
    case 4: {
      std::string const& other = others[below(random, others.size())];
      std::size_t const from = below(random, other.size() + 1);
      text.insert(at, other.substr(from, below(random, 64)));
      break;
    }
    default: {
      // What means something in YAML, JSON, HTTP and URLs.
      static std::string const marks = "{}[]:,-&*!|>'\"%@#?\n\t \\/=<0";
      text.insert(at, 1, marks[below(random, marks.size())]);
    }
  }
}

/// The input that is being run, in a file that outlives the process however it ends. One descriptor for all
/// of them: opening a file anew for each would have some file systems write each to the disk.
class KeptInput {
 public:
  explicit KeptInput(fs::path file)
      : file_(std::move(file)), fd_(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ < 0) fail();
  }
  KeptInput(KeptInput const&) = delete;
  KeptInput& operator=(KeptInput const&) = delete;
  ~KeptInput() { ::close(fd_); }

  void keep(std::string const& text) {
    auto const size = static_cast<off_t>(text.size());
    if (::ftruncate(fd_, size) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) != size) fail();
  }
  void forget() { fs::remove(file_); }

 private:
  [[noreturn]] void fail() const { throw std::system_error(errno, std::generic_category(), file_.string()); }
  fs::path file_;
  int fd_;
};

void run(std::string const& text, KeptInput& kept) {
  kept.keep(text);
  LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(text.data()), text.size());
}

int replay(std::vector<std::string> const& paths, std::size_t mutations, std::uint64_t seed,
           fs::path const& file) {
  KeptInput kept(file);
  std::vector<std::string> const texts = inputs(paths);
  std::mt19937_64 random(seed);
  for (std::string const& text : texts) run(text, kept);
  for (std::size_t i = 0; i < mutations; ++i) {
    std::string text = texts[below(random, texts.size())];
    for (std::size_t changes = 1 + below(random, 8); changes > 0; --changes) mutate_once(text, texts, random);
    run(text, kept);
  }
  kept.forget();
  std::cout << texts.size() << " inputs and " << mutations << " mutations, seed " << seed << "\n";
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t mutations = 0;
  std::uint64_t seed = 1;
  std::vector<std::string> paths;
  try {
    for (int i = 1; i < argc; ++i) {
      std::string const argument = argv[i];
      bool const has_value = i + 1 < argc;
      if (argument == "--mutations" && has_value) {
        mutations = std::stoul(argv[++i]);
      } else if (argument == "--seed" && has_value) {
        seed = std::stoull(argv[++i]);
      } else {
        paths.push_back(argument);
      }
    }
    return replay(paths, mutations, seed, fs::path(argv[0]).filename().string() + ".input");
  } catch (std::exception const& error) {
    std::cerr << "the harness let an exception out, or the arguments are wrong: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}

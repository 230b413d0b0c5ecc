/// Joins runs of one study that had some of its repeats or some of its arms each into the run of
/// the whole study.
///
///     blobs_supervised --repeats 0:500 --out a          on one machine
///     blobs_supervised --repeats 500:1000 --out b       on another one
///     layerwise_merge a b --out whole
///
///     when_pretraining_helps --controls A --out a
///     when_pretraining_helps --controls B --out b
///     layerwise_merge a b --out whole
///
/// Then runs `blobs_supervised --resume whole`, which finds every repeat complete and writes the
/// results, the plots and the page that one run with `--repeats 1000` would have written.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "layerwise/report/failure.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/interrupt.h"

#include "common/program.h"
#include "merge/shards.h"

namespace layerwise::apps {
namespace {

namespace fs = std::filesystem;

struct MergeOptions {
  std::vector<std::string> shards;
  std::string out;
  std::string program;
  bool force = false;
  bool quiet = false;

  void add_to(CLI::App& app) {
    app.add_option("shards", shards, "Folders of the runs to join, in any order")
        ->required()
        ->check(file_name())
        ->option_text("DIR...")
        ->configurable(false)
        ->group("Run");
    app.add_option("--out", out, "Folder to write to")
        ->required()
        ->check(file_name())
        ->option_text("DIR")
        ->group("Run");
    app.add_option(
           "--program", program,
           "The program that made the runs, where it is neither beside this one nor in PATH")
        ->check(file_name())
        ->option_text("FILE")
        ->group("Run");
    app.add_flag("--force", force, "Write over the run that --out holds")->group("Run");
    app.add_flag("--quiet", quiet, "No progress on stderr")->group("Run");
  }
};

/// A folder that is removed again, with what it holds.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directory(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    fs::remove(path_.parent_path(), ignored);  // if nothing has become of it
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The files of a run that `folder` holds, and those that are going to be written there.
std::vector<std::string> files_of_a_run(const std::vector<JoinedFile>& joined,
                                        const fs::path& folder) {
  std::vector<std::string> files{"run.json", "results.json", "report.html"};
  for (const auto& file : joined) files.push_back(file.name);
  const auto checkpoints = study::files_named(folder, std::regex(".*\\.safetensors"));
  files.insert(files.end(), checkpoints.begin(), checkpoints.end());
  for (const auto& script : study::files_named(folder, std::regex(".*\\.gp"))) {
    for (const auto* ending : {".gp", ".png", ".svg"})
      files.push_back(fs::path(script).replace_extension(ending).string());
  }
  return files;
}

/// Writes the joined run completely or not at all.
void join(const std::vector<Shard>& shards, const MergeOptions& options) {
  const auto files = files_of(shards);
  const report::RunFolder folder(
      options.out, files_of_a_run(files, options.out),
      options.force ? report::RunFolder::Use::replace : report::RunFolder::Use::begin);
  const TemporaryFolder part(folder.file(".joined.part"));
  for (const auto& file : files) {
    study::throw_if_interrupted("nothing has been written");
    write_joined(file, shards, part.path());
  }
  report::write_run_file(part.path() / "run.json", joined_run(shards).dump(2) + "\n");
  for (const auto& file : files) fs::rename(part.path() / file.name, folder.file(file.name));
  fs::rename(part.path() / "run.json", folder.file("run.json"));  // what makes it a run
}

/// A program beside this one, or else its name, which is looked for in PATH.
std::string place_of(const std::string& program) {
  std::error_code ignored;
  const auto beside = fs::read_symlink("/proc/self/exe", ignored).parent_path() / program;
  return fs::exists(beside, ignored) ? beside.string() : program;
}

/// Becomes the program, which goes on with the joined run.
[[noreturn]] void go_on_with(const std::string& program, const MergeOptions& options) {
  std::vector<std::string> words{program, "--resume", options.out};
  if (options.quiet) words.emplace_back("--quiet");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(program.c_str(), arguments.data());
  throw report::Failure(
      fmt::format("cannot start '{}': {}", program, std::strerror(errno)),
      fmt::format("the shards are joined; go on with the program: PROGRAM --resume {}",
                  options.out));
}

void merge(const MergeOptions& options) {
  std::vector<Shard> shards;
  for (const auto& folder : options.shards) {
    std::error_code ignored;
    if (fs::equivalent(folder, options.out, ignored))
      throw UsageError(fmt::format("--out {} is one of the shards", options.out),
                       "choose another folder with --out");
    shards.push_back(read_shard(folder));
  }
  shards = in_order(std::move(shards));
  join(shards, options);
  const auto program = shards.front().run["program"].get<std::string>();
  go_on_with(options.program.empty() ? place_of(program) : options.program, options);
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise::apps;
  CLI::App app(
      "Joins runs that had some repeats or some arms of a study each into the run of the whole "
      "study.",
      "layerwise_merge");
  MergeOptions options;
  options.add_to(app);
  return run_program(app, {argv + 1, argv + argc}, [&] { merge(options); });
}

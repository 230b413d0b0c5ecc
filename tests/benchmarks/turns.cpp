/// This library's contender in compare.sh: keeps one work ready and runs it for a while when told.
///
///     build/release/tests/turns
///     blobs_run|blobs_stage_2|blobs_stage_32|autoencoder_fp32|autoencoder_bf16
///
/// Prints `ready`, then answers each line `turn SECONDS` on stdin: repeats the work until that time
/// has passed and prints `turn`, the seconds that one unit of work took, and how many were done.
/// A unit is a run, a stage or a step. alternate.py gives the turns; peers/turns.py answers
/// likewise.
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "works.h"

namespace layerwise {
namespace {

struct Work {
  std::function<void()> run;
  int64_t units = 1;  ///< in one run
};

Work blobs_stage(int64_t stage) {
  const auto work = std::make_shared<works::BlobsStage>(stage);
  return {[=] { work->run(); }};
}

Work autoencoder(Precision precision) {
  const auto work =
      std::make_shared<works::AutoencoderSteps>(EngineOptions{EngineKind::dense, precision});
  return {[=] { work->run(work->draw_order()); }, works::AutoencoderSteps::steps};
}

const std::map<std::string, std::function<Work()>>& all_works() {
  static const std::map<std::string, std::function<Work()>> works{
      {"blobs_run",
       [] {
         const auto blobs = std::make_shared<works::Blobs>();
         return Work{[=] { blobs->run(EngineKind::tiny); }};
       }},
      {"blobs_stage_2", [] { return blobs_stage(2); }},
      {"blobs_stage_32", [] { return blobs_stage(32); }},
      {"autoencoder_fp32", [] { return autoencoder(Precision::fp32); }},
      {"autoencoder_bf16", [] { return autoencoder(Precision::bf16); }},
  };
  return works;
}

void take_turn(const Work& work, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double passed = 0;
  int64_t units = 0;
  do {
    work.run();
    units += work.units;
    passed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (passed < seconds);
  std::cout << "turn " << passed / static_cast<double>(units) << ' ' << units << std::endl;
}

int answer_turns(const std::string& name) {
  const auto found = all_works().find(name);
  if (found == all_works().end()) {
    std::cerr << "error: no work is called '" << name << "'\nhint: one of";
    for (const auto& [known, set_up] : all_works()) std::cerr << ' ' << known;
    std::cerr << '\n';
    return 2;
  }
  set_math_threads(1);
  prepare_thread(1);
  const auto work = found->second();
  std::cout.precision(9);
  std::cout << "ready" << std::endl;
  std::string command;
  double seconds = 0;
  while (std::cin >> command >> seconds) take_turn(work, seconds);
  return 0;
}

}  // namespace
}  // namespace layerwise

int main(int argc, char** argv) {
  try {
    return layerwise::answer_turns(argc == 2 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}

#include "layerwise/study/study.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "layerwise/device.h"
#include "layerwise/engines/processor.h"
#include "layerwise/file.h"
#include "layerwise/pretraining/feature_room.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/print.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/interrupt.h"
#include "layerwise/study/presentation.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/repeats.h"
#include "layerwise/study/results_json.h"
#include "layerwise/study/run_description.h"

namespace layerwise::study {

namespace {

constexpr auto stages_key = "stages";
constexpr auto without_net = "remove that file to begin this repeat anew";

std::string net_file(int64_t repeat, const std::string& variant) {
  const auto name = variant.empty() ? "net.safetensors" : variant + "_net.safetensors";
  return repeat > 0 ? fmt::format("repeat{}_{}", repeat, name) : name;
}

/// The files of kept networks; the second group is the name of the variant with its line.
std::regex net_files() {
  return std::regex("(repeat[0-9]+_)?(([A-Za-z0-9_.-]+)_)?net\\.safetensors");
}

/// The number of stages that the network in a checkpoint has completed; 0 if there is no file.
int64_t stages_in(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return 0;
  try {
    const auto description = description_in(path);
    const auto stages = description.find(stages_key);
    if (stages != description.end()) return std::strtoll(stages->second.c_str(), nullptr, 10);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), without_net);
  }
  throw report::Failure(
      fmt::format("'{}' does not say after which stage it was written", path.string()),
      without_net);
}

/// A hash of the bits of the data.
std::string checksum_of(const Split& data) {
  torch::nn::Module tensors("data");
  for (const auto& [name, part] : data.parts()) {
    tensors.register_buffer(name + "_inputs", part.inputs);
    if (part.targets.defined()) tensors.register_buffer(name + "_targets", part.targets);
  }
  return fmt::format("{:016x}", fingerprint(tensors));
}

void check(const Study& study, const Settings& settings) {
  for (const auto& [name, count] :
       {std::pair("repeats", settings.repeats), std::pair("threads", settings.threads),
        std::pair("math_threads", settings.math_threads)}) {
    if (count < 1) throw std::invalid_argument(fmt::format("run_study: {} {}", count, name));
  }
  if (settings.first_repeat < 0 ||
      settings.first_repeat > first_choosing_repeat - settings.repeats) {
    throw std::invalid_argument(fmt::format("run_study: {} repeats from number {} on",
                                            settings.repeats, settings.first_repeat));
  }
  if (settings.seed < 0 || settings.seed > std::numeric_limits<uint32_t>::max())
    throw std::invalid_argument(fmt::format("run_study: seed {}", settings.seed));
  if (study.plan.empty()) throw std::invalid_argument("run_study: the plan is empty");
}

/// The variants of which a run has kept networks.
std::set<std::string> kept_variants(const std::filesystem::path& folder) {
  std::set<std::string> variants;
  for (const auto& file : files_named(folder, net_files())) {
    std::smatch parts;
    std::regex_match(file, parts, net_files());
    variants.insert(parts[3].str());
  }
  return variants;
}

/// The fits of complete repeats, and in other repeats those up to the last checkpoint.
std::vector<Finished> finished_fits(const Study& study, const std::filesystem::path& folder,
                                    const Settings& settings) {
  auto all = fits_with_rows(study.plan, study.metrics, settings, folder, Diverged::finished);
  const auto kept = kept_variants(folder);
  // The variant whose network a fit belongs to.
  const auto owner_of = [&](const StageInfo& info) {
    const auto owner = std::find_if(kept.begin(), kept.end(),
                                    [&](const auto& name) { return belongs_to(name, info); });
    return owner == kept.end() ? std::string() : *owner;
  };
  std::map<std::string, int64_t> last_stages;
  for (const auto& fit : study.plan) {
    auto& last = last_stages[owner_of(fit.info)];
    if (fit.of_network) last = std::max(last, fit.info.stage);
  }
  const auto networks = network_names(study.plan);
  const auto diverged = diverged_fits(study.plan, settings, folder);
  for (size_t index = 0; index < all.size(); ++index) {
    const auto repeat = settings.first_repeat + static_cast<int64_t>(index);
    auto& fits = all[index];
    const bool whole = all_of(fits);
    if (whole && kept.empty()) continue;
    std::map<std::string, int64_t> stages;
    for (const auto& [owner, last] : last_stages) {
      stages[owner] = stages_in(folder / net_file(repeat, owner));
      // A kill may come behind the rows of the last stage and before its checkpoint.
      if (whole && stages[owner] >= last) stages[owner] = std::numeric_limits<int64_t>::max();
    }
    std::set<std::string> ended;  // a network that diverged is not kept
    for (size_t i = 0; i < fits.size(); ++i)
      if (whole && diverged[index][i]) ended.insert(networks[i]);
    for (size_t i = 0; i < fits.size(); ++i) {
      if (ended.count(networks[i]) > 0) continue;
      const auto& info = study.plan[i].info;
      const auto owner = owner_of(info);
      if (info.stage > stages[owner]) {
        fits[i] = false;
      } else if (!fits[i]) {
        throw report::Failure(
            fmt::format("'{}' is past stage {}, of which metrics.csv lacks rows of repeat {}",
                        (folder / net_file(repeat, owner)).string(), info.stage, repeat),
            without_net);
      }
    }
  }
  return all;
}

void run_repeats(const Study& study, const Settings& settings, const Split& data,
                 const c10::Device& device, const std::filesystem::path& folder,
                 const std::vector<Finished>& finished, Recorder& recorder) {
  const auto work = [&](int64_t index) {
    const auto number = settings.first_repeat + index;
    const auto& done = finished[static_cast<size_t>(index)];
    if (!study.finished && all_of(done)) {
      recorder.end_repeat(number);
      return;
    }
    Repeat repeat{number,
                  data,
                  device,
                  study.plan,
                  folder,
                  done,
                  Random(static_cast<uint32_t>(settings.seed), static_cast<uint32_t>(number)),
                  recorder.observer_of(number)};
    study.algorithm(repeat);
    recorder.end_repeat(number);
  };
  for_each_repeat(settings.repeats, settings, work, [&] { recorder.stop(); });
}

std::vector<std::string> files_of_a_run(const Study& study, const std::filesystem::path& folder) {
  std::vector<std::string> files{"run.json",   "results.json", "metrics.csv",
                                 "curves.csv", "troubles.csv", "report.html"};
  for (const auto& figure : study.report->figure_names()) {
    for (const auto* ending : {"png", "gp"}) files.push_back(fmt::format("{}.{}", figure, ending));
  }
  files.insert(files.end(), study.files.begin(), study.files.end());
  const auto nets = files_named(folder, net_files());
  files.insert(files.end(), nets.begin(), nets.end());
  return files;
}

report::RunFolder folder_of(const Study& study, const Settings& settings, const Start& start) {
  using Use = report::RunFolder::Use;
  const auto files = files_of_a_run(study, start.resumed.empty() ? settings.out : start.resumed);
  if (!start.resumed.empty()) return {start.resumed, files, Use::go_on};
  const auto default_path =
      report::default_run_path(start.program, static_cast<unsigned>(settings.seed));
  return {settings.out.empty() ? default_path.string() : settings.out, files,
          settings.force ? Use::replace : Use::begin};
}

/// Says which device is taken and why, and what the user should know about it.
void note_device(const Settings& settings, const c10::Device& device) {
  if (settings.device == "auto") {
    report::print_note(
        fmt::format("device {}: {}\n", device.str(),
                    settings.threads > 1 ? "several repeats run at once" : about_cuda()));
  }
  if (!device.is_cpu() && settings.repeats > 1)
    report::print_note(fmt::format("repeats run one after another on {}\n", device.str()));
  const auto better = device.is_cpu() ? better_openblas_kernels() : "";
  if (better.empty()) return;
  report::print_note(
      fmt::format("OpenBLAS does not know this processor and is slow, with kernels for {}: set "
                  "OPENBLAS_CORETYPE={} in the environment\n",
                  openblas_kernels(), better));
}

/// The data on the device, where they have room; otherwise in the CPU's memory, if the trainings
/// know where their networks go.
Split placed(const Split& data, const c10::Device& device, const Settings& settings) {
  std::string why_not;
  if (!settings.engine.device || has_room(data, device, settings.engine.cache, why_not))
    return data.to(device);
  if (!settings.quiet) report::print_note(why_not + "\n");
  return data.to(torch::kCPU);
}

}  // namespace

Repeat::Repeat(int64_t number_, const Split& data_, c10::Device device_, const Plan& plan_,
               std::filesystem::path folder_, Finished finished_, Random random_,
               Observer observer_)
    : number(number_),
      data(data_),
      device(device_),
      plan(plan_),
      folder(std::move(folder_)),
      finished(std::move(finished_)),
      random(random_),
      observer(std::move(observer_)) {}

Repeat Repeat::of_variant(const std::string& name) const {
  const bool planned = std::any_of(
      plan.begin(), plan.end(), [&](const PlannedFit& fit) { return belongs_to(name, fit.info); });
  if (!planned)
    throw std::invalid_argument(fmt::format("of_variant: the plan has no fit of '{}'", name));
  Repeat one = *this;
  one.variant = name;
  one.observer = layerwise::of_variant(name, observer);
  return one;
}

std::filesystem::path Repeat::net_path() const {
  return folder / net_file(number, variant);
}

int64_t Repeat::keep() {
  if (!nets_->insert(variant).second) {
    throw std::logic_error(
        "go_on_with: a repeat keeps one network; of several, each has its of_variant");
  }
  observer.on_checkpoint = [path = net_path()](int64_t stages, const torch::nn::Module& module,
                                               const Random& streams) {
    save_in_run(module, path, with_progress({{stages_key, fmt::format("{}", stages)}}, streams, 0));
  };
  int64_t done = 0;
  for (size_t i = 0; i < finished.size(); ++i) {
    if (finished[i] && (variant.empty() || belongs_to(variant, plan[i].info)))
      done = std::max(done, plan[i].info.stage);
  }
  return done;
}

bool Repeat::keep_whole() {
  return keep() > 0;
}

int64_t Repeat::go_on_with(torch::nn::Module& net) {
  const auto done = keep();
  const auto path = net_path();
  if (done > 0) take_progress(load_in_run(net, path, {}, without_net), path, without_net, random);
  net.to(device);
  return done;
}

int64_t Repeat::go_on_with(GreedyNet& net, const BlockFactory& next_block,
                           const BlockFactory& next_head, bool exits) {
  const auto done = keep();
  const auto path = net_path();
  if (done > 0) {
    auto drawn_already = random;
    for (int64_t stage = 2; stage <= done; ++stage) {
      net->deepen(make_block(next_block, stage, drawn_already));
      if (!next_head) continue;
      auto head = make_block(next_head, stage, drawn_already);
      if (exits) {
        net->keep_head_as_exit(std::move(head));
      } else {
        net->exchange_head(std::move(head));
      }
    }
    net->freeze_hidden();
    take_progress(load_in_run(*net, path, {}, without_net), path, without_net, random);
  }
  net->to(device);
  return done;
}

Study::Study(std::string title_, Split data_, Plan plan_, Algorithm algorithm_)
    : title(std::move(title_)),
      data(std::move(data_)),
      plan(std::move(plan_)),
      algorithm(std::move(algorithm_)),
      report(std::make_shared<Report>(names_of(data))),
      metrics(metrics_of(plan)) {}

void run_study(const Study& study, const Settings& settings, const Start& start) {
  check(study, settings);
  const auto device = find_device(settings.device_for_repeats());
  if (!settings.quiet) note_device(settings, device);
  const auto data = placed(study.data, device, settings);
  throw_if_interrupted("nothing has been written");
  const auto folder = folder_of(study, settings, start);
  const auto data_checksum = study.data_checksum ? *study.data_checksum : checksum_of(study.data);
  const bool resumed = !start.resumed.empty();
  if (resumed) {
    require_same_data(folder, data_checksum);
    take_engine_choices(folder);
    if (holds_mean_curves(folder.path())) {  // the last thing that a run writes
      if (!settings.quiet)
        report::print_note(fmt::format("the run in {} is finished\n", folder.path().string()));
      return;
    }
  }
  std::vector<Finished> finished(static_cast<size_t>(settings.repeats),
                                 Finished(study.plan.size(), false));
  if (resumed) {
    finished = study.finished ? study.finished(folder.path(), settings)
                              : finished_fits(study, folder.path(), settings);
  }
  std::optional<report::Failure> failure;
  Recorder recorder(study, settings, folder, finished);
  RunDescription description(start, device, folder, data_checksum);
  try {
    keep_freed_memory();
    set_math_threads(static_cast<int>(settings.math_threads));
    prepare_thread(static_cast<int>(settings.math_threads));
    if (study.prepare) study.prepare(data, folder.path());
    recorder.begin(description);
    run_repeats(study, settings, data, device, folder.path(), finished, recorder);
    recorder.finish();
    const auto& results = recorder.results();
    description.add_results(results);
    report::write_run_file(folder.file("results.json"), results_json(study, settings, results));
    present(study, results, recorder.curves(), description.origin(settings), folder, failure);
    throw_if_interrupted();  // for the last time: a later signal finds everything done
    recorder.write_mean_curves();
  } catch (const Interrupted& interrupted) {
    description.try_to_end("interrupted");
    if (start.resuming.empty()) throw;
    throw Interrupted(interrupted.signal(), fmt::format("go on with the run: {} {}", start.resuming,
                                                        folder.path().string()));
  } catch (...) {
    description.try_to_end("failed");
    throw;
  }
  description.end("finished");
  if (failure) throw report::Failure(*failure);
  if (!settings.quiet) report::print_note(fmt::format("written to {}\n", folder.path().string()));
}

}  // namespace layerwise::study

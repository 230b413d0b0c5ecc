#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <c10/core/Device.h>
#include <nlohmann/json.hpp>

#include "layerwise/report/run_folder.h"
#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"

namespace layerwise::study {

/// run.json: what the run was, for whom wants to repeat it, and how far it came.
class RunDescription {
 public:
  RunDescription(const Start& start, const c10::Device& device, const report::RunFolder& folder,
                 const std::string& data_checksum);

  /// The command that began the run, also where another one goes on with it.
  std::string command() const { return json_["command"]; }
  void add_results(const Results& results, const std::vector<EngineUse>& engines);
  void end(const std::string& status);
  /// The same where something went wrong already, and whatever goes wrong here is the lesser evil.
  void try_to_end(const std::string& status) noexcept;

 private:
  void keep_beginning();
  void write() const;

  std::filesystem::path path_;
  nlohmann::ordered_json json_;
};

/// @throws report::Failure if the run in a folder learned from other data
void require_same_data(const report::RunFolder& folder, const std::string& checksum);
/// Lets the engines choose as they did when the run began: other choices would give other bits.
/// @throws report::Failure if this processor or build cannot
void take_engine_choices(const report::RunFolder& folder);

}  // namespace layerwise::study

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <c10/core/Device.h>
#include <nlohmann/json.hpp>

#include "layerwise/report/page.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"

namespace layerwise::study {

/// Writes run.json: what is needed to repeat the run, and its status.
class RunDescription {
 public:
  RunDescription(const Start& start, const c10::Device& device, const report::RunFolder& folder,
                 const std::string& data_checksum);

  /// The command that began the run, also if another command resumes it, and what else is needed to
  /// repeat it.
  report::Origin origin(const Settings& settings) const;
  /// Writes down an engine that takes steps; what a run has noted is kept when it is resumed.
  void note_engine(const EngineUse& use);
  /// Writes down where the features of a fit are kept.
  void note_features(const std::string& kept);
  void add_results(const Results& results);
  void end(const std::string& status);
  /// Like `end`, but ignores errors; for use after another error, which is more important.
  void try_to_end(const std::string& status) noexcept;

 private:
  void keep_beginning();
  void note(const char* key, const nlohmann::ordered_json& value);
  void write() const;

  std::filesystem::path path_;
  nlohmann::ordered_json json_;
};

/// @throws report::Failure if the run in a folder used other data
void require_same_data(const report::RunFolder& folder, const std::string& checksum);
/// Makes the engines choose as they did when the run began, because other choices would give other
/// bits.
/// @throws report::Failure if this processor or build does not support these choices
void take_engine_choices(const report::RunFolder& folder);

}  // namespace layerwise::study

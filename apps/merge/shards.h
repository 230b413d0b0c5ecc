#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace layerwise::apps {

/// A finished run that has some of the repeats of a study, or some of its arms.
struct Shard {
  std::filesystem::path folder;
  nlohmann::ordered_json run;  ///< its run.json
  int64_t first;               ///< the number of its first repeat
  int64_t end;                 ///< one more than that of its last
};

/// Reads the run.json of a run.
/// @throws report::Failure if there is none, the run is not finished, or it does not keep what the
///   whole study needs
Shard read_shard(const std::filesystem::path& folder);

/// Puts the shards of one study in the order of their arms, as `--controls` or `--arms` choose
/// them, and of their repeats.
/// @throws report::Failure naming the difference, if two runs differ in anything but their repeats
///   and their arms, or naming what is missing or there twice
std::vector<Shard> in_order(std::vector<Shard> shards);

/// A file of the joined run, and what it is made of.
struct JoinedFile {
  std::string name;
  std::vector<std::filesystem::path> sources;  ///< one to copy, or a table of each shard to join
};

/// The tables and checkpoints of the joined run.
/// @throws report::Failure if a file that is no table of repeats differs between shards
std::vector<JoinedFile> files_of(const std::vector<Shard>& shards);

/// Writes one of these files into a folder.
/// @throws report::Failure if it cannot be written, or a table has rows of other repeats
void write_joined(const JoinedFile& file, const std::vector<Shard>& shards,
                  const std::filesystem::path& folder);

/// The run.json of the joined run, which the program goes on from.
nlohmann::ordered_json joined_run(const std::vector<Shard>& shards);

}  // namespace layerwise::apps

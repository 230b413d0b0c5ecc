#include "common/encoders.h"

#include <regex>

#include <fmt/format.h>

#include "layerwise/study/checkpoints.h"

namespace layerwise::apps {

Spelling<std::vector<int64_t>> units_spelling() {
  return list_of(whole_number(1, most), 2);
}

std::string held_out_text(const ImageData& data) {
  if (data.validation == 0) return "none";
  return fmt::format("{} {}", data.validation_from == ValidationFrom::first ? "first" : "last",
                     data.validation);
}

Description description_of(const DenseAutoencoder& network, const ImageData& data,
                           const std::string& checksum) {
  return {{"model", "stacked autoencoder"},
          {"units", units_spelling().write(network.units)},
          {"activation", name_of(network.activation)},
          {"output", name_of(network.output)},
          {"tied", network.tied ? "yes" : "no"},
          {"training_images_crc32", checksum},
          {"held_out", held_out_text(data)}};
}

std::string encoder_file(int64_t repeat) {
  return repeat > 0 ? fmt::format("repeat{}_encoder.safetensors", repeat) : "encoder.safetensors";
}

std::vector<std::string> encoder_files(const std::filesystem::path& folder) {
  return study::files_named(folder, std::regex("(repeat[0-9]+_)?encoder\\.safetensors"));
}

}  // namespace layerwise::apps

#include "layerwise/train/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/data/safetensors.h"
#include "layerwise/file.h"
#include "layerwise/nn/to_sequential.h"

namespace layerwise {

namespace {

constexpr auto version_key = "layerwise_format";
constexpr auto version = "1";
constexpr auto checksum_key = "layerwise_crc32";
constexpr auto layers_key = "layerwise_layers";

constexpr std::array<std::pair<torch::ScalarType, const char*>, 10> types{
    {{torch::kFloat64, "F64"},
     {torch::kFloat32, "F32"},
     {torch::kFloat16, "F16"},
     {torch::kBFloat16, "BF16"},
     {torch::kInt64, "I64"},
     {torch::kInt32, "I32"},
     {torch::kInt16, "I16"},
     {torch::kInt8, "I8"},
     {torch::kUInt8, "U8"},
     {torch::kBool, "BOOL"}}};

std::string dtype_of(const torch::Tensor& tensor) {
  for (const auto& [type, name] : types) {
    if (tensor.scalar_type() == type) return name;
  }
  throw std::invalid_argument(fmt::format("save_checkpoint: no safetensors type for {}",
                                          c10::toString(tensor.scalar_type())));
}

struct Named {
  std::string name;
  torch::Tensor tensor;
};

/// The parameters and buffers of a module, each tensor once.
std::vector<Named> tensors_of(const torch::nn::Module& module) {
  std::vector<Named> tensors;
  const auto add = [&](const std::string& name, const torch::Tensor& tensor) {
    const bool seen = std::any_of(tensors.begin(), tensors.end(),
                                  [&](const Named& other) { return other.tensor.is_same(tensor); });
    if (!seen) tensors.push_back({name, tensor});
  };
  for (const auto& item : module.named_parameters()) add(item.key(), item.value());
  for (const auto& item : module.named_buffers()) add(item.key(), item.value());
  return tensors;
}

/// The CRC-32 of the metadata and all tensors of a file.
std::string checksum(const Safetensors& file) {
  auto crc = ::crc32_z(0, nullptr, 0);
  const auto add = [&](std::string_view bytes) {
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  for (const auto& [key, value] : file.metadata) {
    if (key != checksum_key) add(fmt::format("{}={}\n", key, value));
  }
  for (const auto& tensor : file.tensors) {
    add(fmt::format("{} {} {}\n", tensor.name, tensor.dtype, fmt::join(tensor.shape, ",")));
    add(tensor.data);
  }
  return fmt::format("{:08x}", crc);
}

/// All differences between a file and what is expected.
std::vector<std::string> mismatches(const Safetensors& file, const std::vector<Named>& wanted,
                                    const Description& description) {
  std::vector<std::string> found;
  for (const auto& [key, value] : description) {
    const auto said = file.metadata.find(key);
    if (said != file.metadata.end() && said->second != value)
      found.push_back(fmt::format("{} is {}, expected {}", key, said->second, value));
  }
  for (const auto& [name, tensor] : wanted) {
    const auto stored = std::find_if(file.tensors.begin(), file.tensors.end(),
                                     [&, n = name](const auto& t) { return t.name == n; });
    if (stored == file.tensors.end()) {
      found.push_back(fmt::format("'{}' is missing", name));
      continue;
    }
    if (torch::IntArrayRef(stored->shape) != tensor.sizes()) {
      found.push_back(fmt::format("'{}' has shape [{}], expected [{}]", name,
                                  fmt::join(stored->shape, ", "), fmt::join(tensor.sizes(), ", ")));
    }
    if (stored->dtype != dtype_of(tensor)) {
      found.push_back(
          fmt::format("'{}' is {}, expected {}", name, stored->dtype, dtype_of(tensor)));
    }
  }
  for (const auto& stored : file.tensors) {
    const bool known = std::any_of(wanted.begin(), wanted.end(),
                                   [&](const Named& named) { return named.name == stored.name; });
    if (!known) found.push_back(fmt::format("'{}' is not part of this model", stored.name));
  }
  return found;
}

void check_version(const Safetensors& file, const std::string& name) {
  const auto said = file.metadata.find(version_key);
  if (said == file.metadata.end() || said->second == version) return;
  throw FileError(fmt::format("'{}' has format {}, expected {}: it was written by another version",
                              name, said->second, version));
}

/// Checks the checksum of a file. A file from another program has neither version nor checksum; a
/// file of this library has both.
void check_checksum(const Safetensors& file, const std::string& name) {
  const auto said = file.metadata.find(checksum_key);
  const bool has_version = file.metadata.count(version_key) > 0;
  if (said == file.metadata.end() && !has_version) return;
  if (said == file.metadata.end() || !has_version) {
    throw FileError(fmt::format("'{}' is damaged: its metadata lack '{}'", name,
                                has_version ? checksum_key : version_key));
  }
  const auto found = checksum(file);
  if (found == said->second) return;
  throw FileError(
      fmt::format("'{}' is damaged: its checksum is {}, expected {}", name, found, said->second));
}

/// The layers of a network in this library's words; empty if it is another module.
std::string layers_of(const torch::nn::Module& module) {
  if (const auto* net = module.as<GreedyNetImpl>()) return layers_json(*net);
  if (const auto* net = module.as<StackedAutoencoderImpl>()) return layers_json(*net);
  return {};
}

Description words_of(const Safetensors& file) {
  auto said = file.metadata;
  said.erase(version_key);
  said.erase(checksum_key);
  said.erase(layers_key);
  return said;
}

/// Parses a file and checks its version and checksum. @throws FileError if the file is damaged or
/// of another version
Safetensors checked(const std::string& content, const std::filesystem::path& path) {
  auto file = parse_safetensors(content, path.string());
  check_version(file, path.string());
  check_checksum(file, path.string());
  return file;
}

}  // namespace

Description description_in(const std::filesystem::path& path) {
  const auto content = read_file(path);
  return words_of(checked(content, path));
}

void save_checkpoint(const torch::nn::Module& module, const std::filesystem::path& path,
                     const Description& description) {
  Safetensors file;
  file.metadata = description;
  std::vector<torch::Tensor> kept;  // what the views below look at
  for (const auto& [name, tensor] : tensors_of(module)) {
    kept.push_back(tensor.detach().cpu().contiguous());
    const auto& values = kept.back();
    file.tensors.push_back({name,
                            dtype_of(values),
                            values.sizes().vec(),
                            {static_cast<const char*>(values.data_ptr()), values.nbytes()}});
  }
  if (auto layers = layers_of(module); !layers.empty())
    file.metadata.insert_or_assign(layers_key, std::move(layers));
  file.metadata.insert_or_assign(version_key, std::string(version));
  file.metadata.insert_or_assign(checksum_key, checksum(file));
  write_whole(path, serialise_safetensors(file));
}

Description load_checkpoint(torch::nn::Module& module, const std::filesystem::path& path,
                            const Description& description) {
  const auto content = read_file(path);
  const auto file = checked(content, path);
  const auto wanted = tensors_of(module);
  const auto found = mismatches(file, wanted, description);
  if (!found.empty()) {
    throw FileError(fmt::format("'{}' does not fit: {}", path.string(), fmt::join(found, "; ")));
  }

  torch::NoGradGuard no_grad;
  for (const auto& stored : file.tensors) {
    const auto target = std::find_if(wanted.begin(), wanted.end(),
                                     [&](const Named& named) { return named.name == stored.name; });
    auto values = torch::empty(stored.shape, target->tensor.options().device(torch::kCPU));
    std::copy(stored.data.begin(), stored.data.end(), static_cast<char*>(values.data_ptr()));
    target->tensor.detach().copy_(values);
  }
  return words_of(file);
}

}  // namespace layerwise

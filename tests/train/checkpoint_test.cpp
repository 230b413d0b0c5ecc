#include "layerwise/train/checkpoint.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "layerwise/data/safetensors.h"
#include "layerwise/file.h"
#include "layerwise/nn/stacked_autoencoder.h"

#include "testing.h"

namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::TemporaryFolder;

StackedAutoencoder make(std::vector<int64_t> units, bool tied = false, uint32_t seed = 1) {
  RandomState random(seed);
  DenseAutoencoder network;
  network.units = std::move(units);
  network.tied = tied;
  return network.make(random);
}

std::string fault(StackedAutoencoder& net, const std::string& path, const Description& expected) {
  const auto before = fingerprint(*net);
  try {
    load_checkpoint(*net, path, expected);
  } catch (const FileError& error) {
    REQUIRE(contains(error.what(), path));
    REQUIRE(fingerprint(*net) == before);
    return error.what();
  }
  return {};
}

TEST_CASE("A checkpoint brings every weight back, bit for bit, and says what it is") {
  const TemporaryFolder folder;
  const auto path = folder.file("model.safetensors");
  for (const bool tied : {false, true}) {
    auto net = make({6, 4, 3}, tied);
    save_checkpoint(*net, path, {{"units", "6,4,3"}, {"activation", "elu"}});
    auto other = make({6, 4, 3}, tied, 2);
    REQUIRE(fingerprint(*other) != fingerprint(*net));
    const auto said = load_checkpoint(*other, path, {{"activation", "elu"}});
    REQUIRE(fingerprint(*other) == fingerprint(*net));
    REQUIRE(said == Description{{"units", "6,4,3"}, {"activation", "elu"}});
    const auto content = content_of(path);
    const auto file = parse_safetensors(content, path);
    REQUIRE(file.tensors.size() == (tied ? 6U : 8U));
    REQUIRE(file.tensors[0].name == "encoder.block1.weight");
    REQUIRE(file.tensors[0].shape == std::vector<int64_t>{4, 6});
    REQUIRE((file.tensors[0].data.data() - content.data()) % 8 == 0);
  }
}

TEST_CASE("Everything that does not fit is listed at once, and nothing is loaded") {
  const TemporaryFolder folder;
  const auto path = folder.file("model.safetensors");
  const auto net = make({6, 4, 3});
  save_checkpoint(*net, path, {{"units", "6,4,3"}, {"activation", "elu"}});
  auto other = make({6, 5});
  const auto said = fault(other, path, {{"units", "6,5"}, {"activation", "selu"}});
  for (const auto* part : {"units is 6,4,3, expected 6,5", "activation is elu, expected selu",
                           "'encoder.block1.weight' has shape [4, 6], expected [5, 6]",
                           "'decoder.block1.bias' has shape [4], expected [6]",
                           "'encoder.block2.weight' is not part of this model"}) {
    INFO(said);
    REQUIRE(contains(said, part));
  }
  auto deeper = make({6, 4, 3, 2});
  REQUIRE(contains(fault(deeper, path, {}), "'encoder.block3.weight' is missing"));
  auto doubles = make({6, 4, 3});
  doubles->to(torch::kFloat64);
  REQUIRE(contains(fault(doubles, path, {}), "is F32, expected F64"));
}

TEST_CASE("A checkpoint of a newer format, cut short, or with any flipped bit is refused") {
  const TemporaryFolder folder;
  const auto path = folder.file("model.safetensors");
  auto net = make({3, 2});
  save_checkpoint(*net, path, {{"units", "3,2"}});
  const auto whole = content_of(path);
  const auto header = static_cast<size_t>(static_cast<uint8_t>(whole[0])) +
                      (static_cast<size_t>(static_cast<uint8_t>(whole[1])) << 8) + 8;
  REQUIRE(header < whole.size());
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " bytes");
    write_whole(path, whole.substr(0, size));
    REQUIRE_FALSE(fault(net, path, {{"units", "3,2"}}).empty());
  }
  for (size_t bit = header * 8; bit < whole.size() * 8; ++bit) {
    auto changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    write_whole(path, changed);
    INFO("bit " << bit);
    REQUIRE(contains(fault(net, path, {}), "checksum"));
  }
  for (size_t bit = 8 * 8; bit < header * 8; ++bit) {  // of the header, its last spaces apart
    auto changed = whole;
    if (changed[bit / 8] == ' ') continue;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    write_whole(path, changed);
    INFO("header bit " << bit);
    REQUIRE_FALSE(fault(net, path, {}).empty());
  }
  auto newer = whole;
  const auto place = newer.find("\"layerwise_format\":\"1\"");
  REQUIRE(place != std::string::npos);
  newer[place + 20] = '2';
  write_whole(path, newer);
  REQUIRE(contains(fault(net, path, {}), "format 2, expected 1"));
  for (size_t byte = 0; byte < 8; ++byte) {
    auto claims = whole;
    claims[byte] = '\x7f';
    write_whole(path, claims);
    INFO("length byte " << byte);
    REQUIRE_FALSE(fault(net, path, {}).empty());
  }
  write_whole(path, whole + "x");
  REQUIRE(contains(fault(net, path, {}), "expected"));
  REQUIRE(contains(fault(net, folder.file("none.safetensors"), {}), "cannot read"));
}

std::string header_fault(const std::string& header, const std::string& data = "") {
  std::string content;
  for (size_t i = 0; i < 8; ++i) content += static_cast<char>(header.size() >> 8 * i & 0xffU);
  try {
    parse_safetensors(content + header + data, "FILE");
  } catch (const FileError& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("Headers that lie are refused") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[1, 2]", "no JSON object"},
      {"{\"a\":", "no JSON"},
      {std::string(100000, '['), "nested"},
      {R"({"a": 1})", "no dtype"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", "have 0 bytes"},
      {R"({"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}})", "'F33'"},
      {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", "shape"},
      {R"({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}})", "shape"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", "expected 8"},
      {R"({"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 4]}})",
       "more than"},
      {R"({"a": {"dtype": "F32", "shape": [0], "data_offsets": [4, 0]}})", "has -4 bytes"},
      {R"({"a": {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}})", "begins at byte 4"},
      {R"({"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}, "a": 1})", "twice"},
      {R"({"__metadata__": {"a": 1}})", "'a'"},
  };
  for (const auto& [header, part] : cases) {
    INFO(header.substr(0, 80));
    REQUIRE(contains(header_fault(header), part));
  }
  REQUIRE(header_fault("{}").empty());
  REQUIRE(header_fault(R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}})", "abc")
              .empty());
}

TEST_CASE("A file that Python's safetensors wrote loads") {
  // tests/reference/make_safetensors.py: decoder.block1.weight is 0.5 * arange(6), and so on.
  const auto path = std::filesystem::path(LAYERWISE_REFERENCE_DIR) / "python.safetensors";
  auto net = make({3, 2});
  REQUIRE(load_checkpoint(*net, path, {{"units", "3,2"}}) == Description{{"source", "python"}});
  const auto expected = torch::arange(6, torch::kFloat32).view({3, 2}) * 0.5;
  REQUIRE(torch::equal(net->named_parameters()["decoder.block1.weight"], expected));
}

TEST_CASE("Python's safetensors opens a checkpoint and writes one that loads", "[safetensors]") {
  const auto python = testing::python_with("numpy, safetensors.numpy");
  if (!python) return;
  const TemporaryFolder folder;
  const auto net = make({6, 4, 3}, true);
  save_checkpoint(*net, folder.file("ours.safetensors"), {{"units", "6,4,3"}});
  write_whole(folder.file("script.py"), R"(
import numpy, safetensors, safetensors.numpy
with safetensors.safe_open("ours.safetensors", "numpy") as f:
    assert f.metadata()["units"] == "6,4,3"
weights = safetensors.numpy.load_file("ours.safetensors")
assert weights["encoder.block2.weight"].shape == (3, 4) and len(weights) == 6
safetensors.numpy.save_file({k: 2 * v for k, v in weights.items()}, "theirs.safetensors")
)");
  const auto command = fmt::format("cd '{}' && {} script.py", folder.path().string(), *python);
  REQUIRE(std::system(command.c_str()) == 0);
  auto doubled = make({6, 4, 3}, true, 2);
  load_checkpoint(*doubled, folder.file("theirs.safetensors"), {});
  const auto name = "encoder.block2.weight";
  REQUIRE(torch::equal(doubled->named_parameters()[name], net->named_parameters()[name] * 2));
}

}  // namespace
}  // namespace layerwise

#include "layerwise/data/safetensors.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "layerwise/file.h"

namespace layerwise {

namespace {

using nlohmann::ordered_json;

constexpr size_t length_bytes = 8;
constexpr auto metadata_key = "__metadata__";
constexpr std::array<std::pair<const char*, int64_t>, 13> types{{{"F64", 8},
                                                                 {"F32", 4},
                                                                 {"F16", 2},
                                                                 {"BF16", 2},
                                                                 {"I64", 8},
                                                                 {"I32", 4},
                                                                 {"I16", 2},
                                                                 {"I8", 1},
                                                                 {"U64", 8},
                                                                 {"U32", 4},
                                                                 {"U16", 2},
                                                                 {"U8", 1},
                                                                 {"BOOL", 1}}};

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw FileError(fmt::format("'{}': {}", name, what));
}

int64_t bytes_of_type(const std::string& dtype, const std::string& name) {
  for (const auto& [known, bytes] : types) {
    if (dtype == known) return bytes;
  }
  fail(name, fmt::format("dtype is '{}', expected one of safetensors' types", dtype));
}

/// The header as JSON. Deep nesting, repeated keys and endless shapes are rejected, so that the
/// result takes no more than a small multiple of the memory of the text.
ordered_json parse_header(std::string_view text, const std::string& name) {
  constexpr int deepest = 3;  // header, tensor, shape
  constexpr int most_sizes = 64;
  int values = 0;  // since the last key
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, ordered_json::parse_event_t event, ordered_json& value) {
    using Event = ordered_json::parse_event_t;
    if (depth > deepest) fail(name, "the header is nested too deeply");
    values = event == Event::key ? 0 : values + (event == Event::value ? 1 : 0);
    if (values > most_sizes) fail(name, fmt::format("a list has more than {} values", most_sizes));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      fail(name, fmt::format("the header names '{}' twice", value.get<std::string>()));
    return true;
  };
  try {
    return ordered_json::parse(text, check);
  } catch (const ordered_json::exception&) {
    fail(name, "the header is no JSON");
  }
}

int64_t number(const ordered_json& value, const char* field, const std::string& tensor,
               const std::string& name) {
  constexpr uint64_t largest = uint64_t{1} << 62;
  if (!value.is_number_unsigned() || value.get<uint64_t>() > largest)
    fail(name, fmt::format("{} of '{}' holds something else than sizes", field, tensor));
  return static_cast<int64_t>(value.get<uint64_t>());
}

struct Placed {
  StoredTensor tensor;
  int64_t begin;
  int64_t end;
};

Placed tensor_of(const std::string& key, const ordered_json& entry, const std::string& name) {
  const bool whole = entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
                     entry["dtype"].is_string() && entry.contains("shape") &&
                     entry["shape"].is_array() && entry.contains("data_offsets") &&
                     entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!whole) fail(name, fmt::format("'{}' has no dtype, shape and data_offsets", key));
  Placed placed{{key, entry["dtype"].get<std::string>(), {}, {}}, 0, 0};
  int64_t bytes = bytes_of_type(placed.tensor.dtype, name);
  bool fits = true;
  for (const auto& value : entry["shape"]) {
    const int64_t size = number(value, "shape", key, name);
    fits = fits && !__builtin_mul_overflow(bytes, size, &bytes);
    placed.tensor.shape.push_back(size);
  }
  placed.begin = number(entry["data_offsets"][0], "data_offsets", key, name);
  placed.end = number(entry["data_offsets"][1], "data_offsets", key, name);
  if (!fits || placed.end - placed.begin != bytes) {
    fail(name, fmt::format("'{}' has {} bytes, expected {}, as its shape and dtype make it", key,
                           placed.end - placed.begin,
                           fits ? fmt::format("{}", bytes) : "more than 2^63"));
  }
  return placed;
}

}  // namespace

Safetensors parse_safetensors(std::string_view content, const std::string& name) {
  if (content.size() < length_bytes)
    fail(name,
         fmt::format("the file has {} bytes, expected at least {}", content.size(), length_bytes));
  uint64_t header_bytes = 0;
  for (size_t i = length_bytes; i > 0; --i)
    header_bytes = header_bytes << 8 | static_cast<uint8_t>(content[i - 1]);
  content.remove_prefix(length_bytes);
  if (header_bytes > content.size()) {
    fail(name, fmt::format("the header claims {} bytes, but {} are left in the file", header_bytes,
                           content.size()));
  }
  const auto header = parse_header(content.substr(0, header_bytes), name);
  const auto data = content.substr(header_bytes);
  if (!header.is_object()) fail(name, "the header is no JSON object");

  Safetensors file;
  std::vector<Placed> placed;
  for (const auto& [key, entry] : header.items()) {
    if (key != metadata_key) {
      placed.push_back(tensor_of(key, entry, name));
      continue;
    }
    if (!entry.is_object()) fail(name, "__metadata__ is no JSON object");
    for (const auto& [field, value] : entry.items()) {
      if (!value.is_string()) fail(name, fmt::format("__metadata__ '{}' is no text", field));
      file.metadata[field] = value.get<std::string>();
    }
  }

  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  int64_t end = 0;
  for (auto& [tensor, tensor_begin, tensor_end] : placed) {
    if (tensor_begin != end) {
      fail(name, fmt::format("'{}' begins at byte {}, expected {}, where the one before it ends",
                             tensor.name, tensor_begin, end));
    }
    end = tensor_end;
    if (end > static_cast<int64_t>(data.size())) break;
    tensor.data = data.substr(static_cast<size_t>(tensor_begin),
                              static_cast<size_t>(tensor_end - tensor_begin));
    file.tensors.push_back(std::move(tensor));
  }
  if (end != static_cast<int64_t>(data.size())) {
    fail(name,
         fmt::format("the tensors have {} bytes, expected {}, as the header's offsets make it",
                     data.size(), end));
  }
  return file;
}

std::string serialise_safetensors(const Safetensors& file) {
  ordered_json header = ordered_json::object();
  if (!file.metadata.empty()) header[metadata_key] = file.metadata;
  size_t bytes = 0;
  for (const auto& tensor : file.tensors) {
    const auto begin = std::exchange(bytes, bytes + tensor.data.size());
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, bytes}}};
  }
  auto text = header.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');  // aligns the data

  std::string content;
  content.reserve(length_bytes + text.size() + bytes);
  for (size_t i = 0; i < length_bytes; ++i)
    content += static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i) & 0xffU);
  content += text;
  for (const auto& tensor : file.tensors) content += tensor.data;
  return content;
}

}  // namespace layerwise

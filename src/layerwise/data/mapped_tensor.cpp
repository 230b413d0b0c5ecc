#include "layerwise/data/mapped_tensor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>

#include <ATen/MapAllocator.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/file.h"

namespace layerwise {

torch::Tensor mapped_tensor(const std::filesystem::path& folder, torch::IntArrayRef shape,
                            torch::ScalarType type) {
  const auto elements =
      std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  const auto bytes = elements * static_cast<int64_t>(torch::elementSize(type));
  auto name = (folder / "features-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  int error = file < 0 ? errno : 0;
  // Without its blocks allotted, a full disk would end the program at a write to the memory.
  if (error == 0) error = ::posix_fallocate(file, 0, std::max<int64_t>(1, bytes));
  torch::Tensor mapped;
  if (error == 0) mapped = torch::from_file(name, /*shared=*/true, elements, type);
  if (file >= 0) {
    ::close(file);
    ::unlink(name.c_str());
  }
  if (error != 0) {
    throw FileError(fmt::format("cannot map {} MB in '{}': {}", bytes / 1'000'000, folder.string(),
                                std::strerror(error)),
                    error, "make room there, or run the frozen blocks every time: --cache none");
  }
  ::madvise(mapped.data_ptr(), static_cast<size_t>(bytes), MADV_RANDOM);
  return mapped.view(shape);
}

void release_pages(const torch::Tensor& tensor) {
  if (!tensor.is_cpu() || !tensor.has_storage()) return;
  const auto& storage = tensor.storage();
  if (at::MapAllocator::fromDataPtr(storage.data_ptr()) == nullptr) return;
  ::madvise(storage.data_ptr().get(), storage.nbytes(), MADV_DONTNEED);
}

}  // namespace layerwise

#include <cuda_runtime_api.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "layerwise/engines/device_kernels.h"

namespace layerwise::device_kernels {

namespace {

constexpr int64_t threads_of_a_block = 128;

template <typename Kernel>
__global__ void __launch_bounds__(threads_of_a_block) run(const Kernel kernel) {
  kernel(blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x,
         gridDim.x * static_cast<int64_t>(blockDim.x));
}

}  // namespace

template <typename Kernel>
void run_on_cuda(const Kernel& kernel, void* stream) {
  const auto threads = std::min(kernel.threads(), most_threads);
  const auto blocks = (threads + threads_of_a_block - 1) / threads_of_a_block;
  run<<<static_cast<unsigned>(blocks), threads_of_a_block, 0, static_cast<cudaStream_t>(stream)>>>(
      kernel);
  const auto error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

template void run_on_cuda(const Gather&, void*);
template void run_on_cuda(const GatherLabels&, void*);
template void run_on_cuda(const Activate&, void*);
template void run_on_cuda(const Tick&, void*);
template void run_on_cuda(const SquaredError&, void*);
template void run_on_cuda(const BinaryCrossEntropy&, void*);
template void run_on_cuda(const CrossEntropy&, void*);
template void run_on_cuda(const ThroughActivation&, void*);
template void run_on_cuda(const Update&, void*);
template void run_on_cuda(const Round&, void*);

}  // namespace layerwise::device_kernels

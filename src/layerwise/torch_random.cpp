#include "layerwise/torch_random.h"

#include <algorithm>
#include <cstddef>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "layerwise/philox.h"

namespace layerwise {

namespace {

// Operations that draw take an optional generator, and a dispatch key that LibTorch itself leaves
// unused sees every call before the kernels do: there a missing generator is filled in.
constexpr auto interception = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local at::Generator* current = nullptr;

bool is_optional_generator(const c10::Argument& argument) {
  const auto& type = argument.type();
  return type->kind() == c10::TypeKind::OptionalType &&
         type->containedTypes()[0]->kind() == c10::TypeKind::GeneratorType;
}

bool is_cpu_tensor(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() && value.toTensor().is_cpu();
}

void fill_in_generator(const c10::OperatorHandle& operation, c10::DispatchKeySet keys,
                       torch::jit::Stack* stack) {
  const auto& arguments = operation.schema().arguments();
  const auto values = stack->end() - static_cast<std::ptrdiff_t>(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto& value = *(values + static_cast<std::ptrdiff_t>(i));
    if (value.isNone() && is_optional_generator(arguments[i]) &&
        std::any_of(values, stack->end(), is_cpu_tensor))
      value = *current;
  }
  const c10::DispatchKeySet after(c10::DispatchKeySet::FULL_AFTER, interception);
  operation.redispatchBoxed(keys & after, stack);
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&fill_in_generator>());
}

}  // namespace

uint32_t torch_seed(const NoiseKey& key, uint32_t stage, Draws draws) {
  return philox({stage, static_cast<uint32_t>(draws), 0, 0}, {key.seed, key.repeat})[0];
}

at::Generator torch_generator(const NoiseKey& key, uint32_t stage, Draws draws) {
  return at::detail::createCPUGenerator(torch_seed(key, stage, draws));
}

WithGenerator::WithGenerator(at::Generator& generator)
    : before_(current), intercept_(interception) {
  current = &generator;
}

WithGenerator::~WithGenerator() {
  current = before_;
}

}  // namespace layerwise

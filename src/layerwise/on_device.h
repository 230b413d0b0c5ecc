#pragma once

/// Marks a function that nvcc compiles for the CPU and for CUDA; other compilers for the CPU.
#ifdef __CUDACC__
#define LAYERWISE_ON_DEVICE __host__ __device__
#else
#define LAYERWISE_ON_DEVICE
#endif

/// Marks a type through which values of other types may be read.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define LAYERWISE_MAY_ALIAS [[gnu::may_alias]]
#else
#define LAYERWISE_MAY_ALIAS
#endif

#pragma once

/// Which instruction sets the kernels are built for; to be included before Highway.
///
/// On x86 these are AVX-512 (AVX3), AVX2, SSE4 and what every x86-64 processor has (SCALAR). What lies
/// between gains nothing here, and would be built for each.
#if defined(__x86_64__)
#define HWY_DISABLED_TARGETS ((1LL << 7) | (1LL << 12))  // AVX3_DL, SSSE3
#endif

// Stands in for a header that only a LibTorch with CUDA brings: see compile.sh.
#pragma once
#define C10_CUDA_BUILD_SHARED_LIBS

// Stands in for a header that only the CUDA toolkit brings: see compile.sh.
#pragma once
typedef struct cublasContext* cublasHandle_t;
typedef int cublasStatus_t;

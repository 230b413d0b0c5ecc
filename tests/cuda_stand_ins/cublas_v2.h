// Stands in for a header that only the CUDA toolkit brings: see compile.sh.
#pragma once
#include <cuda_runtime_api.h>
#include <library_types.h>
typedef struct cublasContext* cublasHandle_t;
typedef enum { CUBLAS_STATUS_SUCCESS = 0 } cublasStatus_t;
typedef enum { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 } cublasOperation_t;
typedef enum { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 } cublasComputeType_t;
typedef enum { CUBLAS_GEMM_DEFAULT = -1 } cublasGemmAlgo_t;
extern "C" {
const char* cublasGetStatusString(cublasStatus_t status);
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b,
                            int m, int n, int k, const void* alpha, const void* a,
                            cudaDataType type_of_a, int stride_of_a, const void* b,
                            cudaDataType type_of_b, int stride_of_b, const void* beta, void* c,
                            cudaDataType type_of_c, int stride_of_c, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm);
}

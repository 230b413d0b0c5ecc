// Stands in for a header that only the CUDA toolkit brings: see compile.sh.
#pragma once
#include "cusolver_common.h"
typedef struct cusolverDnContext* cusolverDnHandle_t;

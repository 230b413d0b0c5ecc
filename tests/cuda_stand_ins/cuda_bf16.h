// Stands in for a header that only the CUDA toolkit brings: see compile.sh.
#pragma once

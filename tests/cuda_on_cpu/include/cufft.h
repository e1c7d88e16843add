// cuFFT over FFTW: the calls that the backend makes.
#pragma once

#include "cuda_runtime.h"

enum cufftResult {
    CUFFT_SUCCESS = 0,
    CUFFT_INVALID_PLAN = 1,
    CUFFT_ALLOC_FAILED = 2,
    CUFFT_INVALID_TYPE = 3,
    CUFFT_INVALID_VALUE = 4,
    CUFFT_INTERNAL_ERROR = 5,
    CUFFT_EXEC_FAILED = 6,
    CUFFT_SETUP_FAILED = 7,
    CUFFT_INVALID_SIZE = 8,
    CUFFT_NO_WORKSPACE = 13,
    CUFFT_NOT_SUPPORTED = 16,
};
enum cufftType { CUFFT_R2C = 0x2a, CUFFT_C2R = 0x2c, CUFFT_C2C = 0x29 };
inline constexpr int CUFFT_FORWARD = -1, CUFFT_INVERSE = 1;

using cufftHandle = int;
using cufftReal = float;
using cufftComplex = float2;

cufftResult cufftCreate(cufftHandle* plan);
cufftResult cufftDestroy(cufftHandle plan);
cufftResult cufftSetAutoAllocation(cufftHandle plan, int on);
cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream);
/// Packed arrays, `inembed` and `onembed` null; or complex ones of rank 1 with equal strides and a distance
/// of 1.
cufftResult cufftMakePlanMany64(cufftHandle plan, int rank, long long* extent, long long* inembed,
                                long long istride, long long idist, long long* onembed, long long ostride,
                                long long odist, cufftType type, long long batch, std::size_t* work_bytes);
cufftResult cufftSetWorkArea(cufftHandle plan, void* area);
cufftResult cufftExecR2C(cufftHandle plan, cufftReal* x, cufftComplex* y);
cufftResult cufftExecC2R(cufftHandle plan, cufftComplex* x, cufftReal* y);
cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* x, cufftComplex* y, int direction);

// cuFFT over FFTW and cuBLAS by loops.
#include <fftw3.h>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "control.hpp"
#include "cublas_v2.h"
#include "cufft.h"

using cuda_on_cpu::counts;
using cuda_on_cpu::submit;

namespace {

struct FftwDestroy {
    void operator()(fftwf_plan plan) const { fftwf_destroy_plan(plan); }
};

struct Plan {
    std::unique_ptr<fftwf_plan_s, FftwDestroy> forward,
        inverse;  ///< real transforms have the one of their type
    cudaStream_t stream = nullptr;
    void* work_area = nullptr;
    bool allocates = true;
    bool in_place = false;   ///< FFTW's plans are for one or the other
    std::size_t values = 0;  ///< that a complex transform writes
};

struct Plans {
    std::mutex mutex;  ///< of FFTW's planner too
    std::map<cufftHandle, Plan> plans;
    cufftHandle next = 1;

    Plan* find(cufftHandle handle) {
        const auto found = plans.find(handle);
        return found != plans.end() ? &found->second : nullptr;
    }
};

Plans& all() {
    static Plans plans;
    return plans;
}

template <class Run>
cufftResult execute(cufftHandle handle, const Run& run) {
    const std::lock_guard lock(all().mutex);
    Plan* plan = all().find(handle);
    if (plan == nullptr || (plan->forward == nullptr && plan->inverse == nullptr)) return CUFFT_INVALID_PLAN;
    if (!plan->allocates && plan->work_area == nullptr) return CUFFT_NO_WORKSPACE;
    return submit(plan->stream, cuda_on_cpu::Work::library, [=] { run(*plan); }) == cudaSuccess
               ? CUFFT_SUCCESS
               : CUFFT_EXEC_FAILED;
}

}  // namespace

struct cublasContext {
    cudaStream_t stream = nullptr;
};

cufftResult cufftCreate(cufftHandle* plan) {
    const std::lock_guard lock(all().mutex);
    *plan = all().next++;
    all().plans[*plan];
    ++counts().plans;
    return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle plan) {
    const std::lock_guard lock(all().mutex);
    if (all().plans.erase(plan) == 0) return CUFFT_INVALID_PLAN;
    --counts().plans;
    return CUFFT_SUCCESS;
}

cufftResult cufftSetAutoAllocation(cufftHandle plan, int on) {
    const std::lock_guard lock(all().mutex);
    all().plans.at(plan).allocates = on != 0;
    return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream) {
    const std::lock_guard lock(all().mutex);
    all().plans.at(plan).stream = stream;
    return CUFFT_SUCCESS;
}

cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* extent, long long* inembed,
                                long long istride, long long idist, long long* onembed, long long ostride,
                                long long odist, cufftType type, long long batch, std::size_t* work_bytes) {
    if (rank < 1 || rank > 3) return CUFFT_INVALID_VALUE;
    const bool along_axis = inembed != nullptr && onembed != nullptr && rank == 1 && type == CUFFT_C2C &&
                            istride == ostride && istride >= batch && idist == 1 && odist == 1;
    if ((inembed != nullptr || onembed != nullptr) && !along_axis) return CUFFT_NOT_SUPPORTED;
    const std::lock_guard lock(all().mutex);
    auto& countdown = cuda_on_cpu::machine().fail_plan;
    if (countdown > 0 && --countdown == 0) return CUFFT_INTERNAL_ERROR;
    Plan* plan = all().find(handle);
    if (plan == nullptr) return CUFFT_INVALID_PLAN;
    int n[3] = {1, 1, 1}, real = 1;
    for (int axis = 0; axis < rank; ++axis) {
        if (extent[axis] < 1 || extent[axis] > INT32_MAX || batch < 1 || batch > INT32_MAX)
            return CUFFT_INVALID_SIZE;
        n[axis] = static_cast<int>(extent[axis]);
        real *= n[axis];
    }
    const int half = real / n[rank - 1] * (n[rank - 1] / 2 + 1), many = static_cast<int>(batch);
    const std::size_t values = static_cast<std::size_t>(real) * static_cast<std::size_t>(many);
    // Planning with FFTW_ESTIMATE does not touch the arrays, but their alignment counts.
    auto* x = static_cast<fftwf_complex*>(fftwf_malloc(values * sizeof(fftwf_complex) + 64));
    auto* y = static_cast<fftwf_complex*>(fftwf_malloc(2 * values * sizeof(fftwf_complex) + 64));
    const unsigned flags = FFTW_ESTIMATE | FFTW_UNALIGNED;
    plan->in_place = along_axis;
    plan->values = values;
    if (along_axis) {
        const int stride = static_cast<int>(istride);
        plan->forward.reset(fftwf_plan_many_dft(1, n, many, y, nullptr, stride, 1, y, nullptr, stride, 1,
                                                FFTW_FORWARD, flags));
        plan->inverse.reset(fftwf_plan_many_dft(1, n, many, y, nullptr, stride, 1, y, nullptr, stride, 1,
                                                FFTW_BACKWARD, flags));
    } else if (type == CUFFT_R2C)
        plan->forward.reset(fftwf_plan_many_dft_r2c(rank, n, many, reinterpret_cast<float*>(x), nullptr, 1,
                                                    real, y, nullptr, 1, half, flags | FFTW_PRESERVE_INPUT));
    else if (type == CUFFT_C2R)
        plan->inverse.reset(fftwf_plan_many_dft_c2r(rank, n, many, y, nullptr, 1, half,
                                                    reinterpret_cast<float*>(x), nullptr, 1, real,
                                                    flags | FFTW_DESTROY_INPUT));
    else {
        plan->forward.reset(fftwf_plan_many_dft(rank, n, many, x, nullptr, 1, real, y, nullptr, 1, real,
                                                FFTW_FORWARD, flags | FFTW_PRESERVE_INPUT));
        plan->inverse.reset(fftwf_plan_many_dft(rank, n, many, x, nullptr, 1, real, y, nullptr, 1, real,
                                                FFTW_BACKWARD, flags | FFTW_PRESERVE_INPUT));
    }
    fftwf_free(x);
    fftwf_free(y);
    if (plan->forward == nullptr && plan->inverse == nullptr) return CUFFT_INTERNAL_ERROR;
    *work_bytes = values * sizeof(fftwf_complex);  // about what cuFFT asks for
    ++counts().plans_made;
    return CUFFT_SUCCESS;
}

cufftResult cufftSetWorkArea(cufftHandle plan, void* area) {
    const std::lock_guard lock(all().mutex);
    all().plans.at(plan).work_area = area;
    return CUFFT_SUCCESS;
}

cufftResult cufftExecR2C(cufftHandle handle, cufftReal* x, cufftComplex* y) {
    return execute(handle, [=](const Plan& plan) {
        fftwf_execute_dft_r2c(plan.forward.get(), x, reinterpret_cast<fftwf_complex*>(y));
    });
}

cufftResult cufftExecC2R(cufftHandle handle, cufftComplex* x, cufftReal* y) {
    return execute(handle, [=](const Plan& plan) {
        fftwf_execute_dft_c2r(plan.inverse.get(), reinterpret_cast<fftwf_complex*>(x), y);
    });
}

cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* x, cufftComplex* y, int direction) {
    {
        const std::lock_guard lock(all().mutex);
        const Plan* plan = all().find(handle);
        if (plan != nullptr && plan->in_place && x != y) return CUFFT_NOT_SUPPORTED;
    }
    return execute(handle, [=](const Plan& plan) {
        auto *from = reinterpret_cast<fftwf_complex*>(x), *to = reinterpret_cast<fftwf_complex*>(y);
        std::vector<cufftComplex> copy;  // cuFFT has both in one plan
        if (x == y && !plan.in_place) {
            copy.assign(x, x + plan.values);
            from = reinterpret_cast<fftwf_complex*>(copy.data());
        }
        fftwf_execute_dft(direction == CUFFT_FORWARD ? plan.forward.get() : plan.inverse.get(), from, to);
    });
}

const char* cublasGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "the emulated library failed";
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new cublasContext;
    ++counts().blas_handles;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    delete handle;
    --counts().blas_handles;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t /*handle*/, void* /*area*/, std::size_t /*bytes*/) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t /*handle*/, cublasMath_t /*mode*/) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                              int n, int k, const float* alpha, const float* a, int lda, const float* b,
                              int ldb, const float* beta, float* c, int ldc) {
    const bool ta = op_a == CUBLAS_OP_T, tb = op_b == CUBLAS_OP_T;
    if (m < 0 || n < 0 || k < 0 || lda < std::max(1, ta ? k : m) || ldb < std::max(1, tb ? n : k) ||
        ldc < std::max(1, m))
        return CUBLAS_STATUS_INVALID_VALUE;
    const auto work = [=, scale = *alpha, keep = *beta] {
        const auto at = [](const float* matrix, int ld, int row, int column) {
            return matrix[static_cast<std::ptrdiff_t>(column) * ld + row];
        };
        for (int j = 0; j < n; ++j) {
            for (int i = 0; i < m; ++i) {
                float sum = 0;
                for (int l = 0; l < k; ++l)
                    sum += (ta ? at(a, lda, l, i) : at(a, lda, i, l)) *
                           (tb ? at(b, ldb, j, l) : at(b, ldb, l, j));
                float& out = c[static_cast<std::ptrdiff_t>(j) * ldc + i];
                out = scale * sum + (keep == 0 ? 0 : keep * out);
            }
        }
    };
    return submit(handle->stream, cuda_on_cpu::Work::library, work) == cudaSuccess
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_EXECUTION_FAILED;
}

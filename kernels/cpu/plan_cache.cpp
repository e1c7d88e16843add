#include "kernels/cpu/plan_cache.hpp"

#include <array>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>

#include "kernels/error.hpp"

namespace spectral {

namespace {

/// FFTW's planner is one global object: making and destroying plans takes this lock, executing does not.
std::mutex& planner_mutex() {
    static std::mutex mutex;
    return mutex;
}

struct FftwFree {
    void operator()(void* pointer) const { fftwf_free(pointer); }
};

}  // namespace

FftwPlan::FftwPlan(const PlanKey& key) {
    std::array<int, kMaxSignalRank> extent{};
    const int rank = key.shape.rank;
    for (int axis = 0; axis < rank; ++axis) {
        const std::int64_t n = key.shape.extent[static_cast<std::size_t>(axis)];
        if (n < 1 || n > std::numeric_limits<int>::max())
            throw Error("fft", "an axis has " + std::to_string(n) + " samples",
                        "transform at least one sample");
        extent[static_cast<std::size_t>(axis)] = static_cast<int>(n);
    }
    const auto size = static_cast<std::size_t>(key.shape.size());
    const std::unique_ptr<float, FftwFree> real(fftwf_alloc_real(size));
    const std::unique_ptr<fftwf_complex, FftwFree> input(fftwf_alloc_complex(size));
    const std::unique_ptr<fftwf_complex, FftwFree> spectrum(fftwf_alloc_complex(size + 1));
    if (!real || !input || !spectrum) throw std::bad_alloc();
    // FFTW_ESTIMATE: the same plan every time, so results are bit-identical from run to run.
    const unsigned flags = FFTW_ESTIMATE | (key.aligned ? 0U : FFTW_UNALIGNED);
    const std::lock_guard lock(planner_mutex());
    switch (key.transform) {
        case FftwTransform::real_forward:
            plan_ = fftwf_plan_dft_r2c(rank, extent.data(), real.get(), spectrum.get(),
                                       flags | FFTW_PRESERVE_INPUT);
            break;
        case FftwTransform::real_backward:
            plan_ = fftwf_plan_dft_c2r(rank, extent.data(), spectrum.get(), real.get(),
                                       flags | FFTW_DESTROY_INPUT);
            break;
        case FftwTransform::complex_forward:
        case FftwTransform::complex_backward:
            plan_ =
                fftwf_plan_dft(rank, extent.data(), input.get(), spectrum.get(),
                               key.transform == FftwTransform::complex_forward ? FFTW_FORWARD : FFTW_BACKWARD,
                               flags | FFTW_PRESERVE_INPUT);
            break;
        case FftwTransform::cosine_forward:
        case FftwTransform::cosine_backward: {
            std::array<fftwf_r2r_kind, kMaxSignalRank> kinds{};
            kinds.fill(key.transform == FftwTransform::cosine_forward ? FFTW_REDFT10 : FFTW_REDFT01);
            plan_ = fftwf_plan_r2r(rank, extent.data(), real.get(), real.get(), kinds.data(), flags);
            break;
        }
    }
    if (!plan_) throw Error("fft", "FFTW has no plan for this shape");
}

FftwPlan::~FftwPlan() {
    const std::lock_guard lock(planner_mutex());
    fftwf_destroy_plan(plan_);
}

void FftwPlan::forward(const float* x, Complex* y) const {
    fftwf_execute_dft_r2c(plan_, const_cast<float*>(x), reinterpret_cast<fftwf_complex*>(y));
}

void FftwPlan::transform(const Complex* x, Complex* y) const {
    fftwf_execute_dft(plan_, reinterpret_cast<fftwf_complex*>(const_cast<Complex*>(x)),
                      reinterpret_cast<fftwf_complex*>(y));
}

void FftwPlan::backward(Complex* x, float* y) const {
    fftwf_execute_dft_c2r(plan_, reinterpret_cast<fftwf_complex*>(x), y);
}

void FftwPlan::cosine(float* y) const { fftwf_execute_r2r(plan_, y, y); }

std::vector<PlanInfo> PlanCache::list() const {
    static constexpr std::array kTransforms{"real → complex",    "complex → real",
                                            "complex → complex", "complex → complex, inverse",
                                            "cosine transform",  "inverse cosine transform"};
    std::vector<PlanInfo> result;
    for (const auto& [key, plan, uses] : plans_)
        result.push_back({extents_text(key.shape.rank, key.shape.extent) + ", " +
                              kTransforms[static_cast<std::size_t>(key.transform)] +
                              (key.aligned ? ", aligned" : ""),
                          std::nullopt, uses});
    return result;
}

}  // namespace spectral

// FFTW plans, made once per shape. FFTW holds no work area between executions, so the number of plans bounds
// their memory.
#pragma once

#include <fftw3.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/recent_plans.hpp"

namespace spectral {

enum class FftwTransform {
    real_forward,
    real_backward,
    complex_forward,
    complex_backward,
    cosine_forward,
    cosine_backward
};

/// Everything a plan depends on. One signal per execution.
struct PlanKey {
    FftwTransform transform = FftwTransform::real_forward;
    SignalShape shape;
    bool aligned = false;  ///< arrays start on 64-byte boundaries: twice as fast
    bool operator==(const PlanKey&) const = default;
};

class FftwPlan {
public:
    explicit FftwPlan(const PlanKey& key);
    FftwPlan(const FftwPlan&) = delete;
    FftwPlan& operator=(const FftwPlan&) = delete;
    ~FftwPlan();

    /// New-array execution; thread-safe. Inputs are left as they are, but `backward` destroys its own.
    void forward(const float* x, Complex* y) const;
    /// Complex to complex, in the direction that was planned.
    void transform(const Complex* x, Complex* y) const;
    void backward(Complex* x, float* y) const;
    /// In place.
    void cosine(float* y) const;

private:
    fftwf_plan plan_ = nullptr;
};

class PlanCache {
public:
    static constexpr std::size_t kMaxEntries = 32;

    /// Throws Error when FFTW cannot plan the shape.
    std::shared_ptr<const FftwPlan> get(const PlanKey& key) {
        return plans_.get(key, [&] { return std::make_shared<const FftwPlan>(key); });
    }
    std::size_t size() const { return plans_.size(); }
    void clear() { plans_.clear(); }
    /// Without bytes: FFTW does not tell them, and they follow no rule (a prime length takes a hundred times
    /// as much as a power of two).
    std::vector<PlanInfo> list() const;

private:
    RecentPlans<PlanKey, FftwPlan, kMaxEntries> plans_;
};

}  // namespace spectral

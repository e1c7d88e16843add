// FFTW plans, made once per shape and kept while they are in use: least recently used go first. FFTW holds no
// work area between executions, so the number of plans bounds their memory.
#pragma once

#include <fftw3.h>

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

enum class FftwTransform {
    real_forward,
    real_backward,
    complex_forward,
    complex_backward,
    cosine_forward,
    cosine_backward
};

/// Everything a plan depends on, compared field by field. One signal per execution.
struct PlanKey {
    FftwTransform transform = FftwTransform::real_forward;
    int rank = 1;
    std::array<std::int64_t, kMaxSignalRank> extent{};
    bool aligned = false;  ///< arrays start on 64-byte boundaries: twice as fast
    bool operator==(const PlanKey&) const = default;

    PlanKey(FftwTransform kind, const SignalShape& shape, bool at_boundaries = false)
        : transform(kind), rank(shape.rank), aligned(at_boundaries) {
        std::copy_n(shape.extent.begin(), rank, extent.begin());
    }
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
    std::shared_ptr<const FftwPlan> get(const PlanKey& key);
    std::size_t size() const { return entries_.size(); }
    void clear() { entries_.clear(); }
    /// Without bytes: FFTW does not tell them, and they follow no rule (a prime length takes a hundred times
    /// as much as a power of two).
    std::vector<PlanInfo> list() const;

private:
    struct Entry {
        PlanKey key;
        std::shared_ptr<const FftwPlan> plan;
        std::uint64_t uses = 0;
    };
    std::list<Entry> entries_;  ///< most recently used first
};

}  // namespace spectral

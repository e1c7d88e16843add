// cuFFT plans, made once per shape and batch. All of them share one work area, which grows to what the
// largest needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/work_area.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/recent_plans.hpp"

namespace spectral::cuda {

/// Everything a plan depends on, compared field by field.
struct PlanKey {
    int device = 0;
    cufftType type = CUFFT_R2C;
    int rank = 1;
    std::array<long long, 3> extent{1, 1, 1};
    long long batch = 1;
    /// Complex transforms of rank 1 only: the batch lies side by side, and the samples of one signal are this
    /// far apart. 0: signals are packed one after another.
    long long stride = 0;
    bool operator==(const PlanKey&) const = default;
};

struct FftPlan {
    FftHandle handle;
    std::size_t work_bytes = 0;
};

class PlanCache {
public:
    static constexpr std::size_t kMaxEntries = 32;
    static constexpr std::size_t kMaxWorkBytes = std::size_t{1} << 30;

    PlanCache(cudaMemPool_t pool, cudaStream_t stream) : stream_(stream), work_(pool, stream) {}
    PlanCache(const PlanCache&) = delete;
    PlanCache& operator=(const PlanCache&) = delete;
    ~PlanCache();

    /// Ready to run on the stream, with the work area set. Throws Error when cuFFT has no plan for the shape
    /// or when it would need more than kMaxWorkBytes or the device has.
    const FftPlan& get(const PlanKey& key);
    void clear();
    /// The work area first; it belongs to all plans, so they have no bytes of their own.
    std::vector<PlanInfo> list() const;

    std::size_t size() const { return plans_.size(); }
    std::size_t work_bytes() const { return work_.bytes(); }

private:
    void grow_work_area(std::size_t bytes);

    cudaStream_t stream_;
    WorkArea work_;
    RecentPlans<PlanKey, FftPlan, kMaxEntries> plans_;
};

}  // namespace spectral::cuda

#include "kernels/cuda/plan_cache.hpp"

#include <string>
#include <utility>

#include "kernels/cuda/recording.hpp"

namespace spectral::cuda {

namespace {

std::shared_ptr<const FftPlan> make_plan(const PlanKey& key, cudaStream_t stream) {
    for (int axis = 0; axis < key.rank; ++axis)
        if (key.extent[static_cast<std::size_t>(axis)] < 1)
            throw Error("fft", "an axis has no samples", "transform at least one sample");
    auto plan = std::make_shared<FftPlan>();
    const cufftHandle handle = plan->handle.get();
    check(cufftSetAutoAllocation(handle, 0), "work area");
    check(cufftSetStream(handle, stream), "stream");
    auto extent = key.extent;
    long long* const embedded =
        key.stride > 0 ? extent.data() : nullptr;  // null: packed, the rest is ignored
    check(cufftMakePlanMany64(handle, key.rank, extent.data(), embedded, key.stride, 1, embedded, key.stride,
                              1, key.type, key.batch, &plan->work_bytes),
          "plan");
    return plan;
}

}  // namespace

PlanCache::~PlanCache() {
    const auto lock = keep_from_recording();
    plans_.clear();
}

const FftPlan& PlanCache::get(const PlanKey& key) {
    std::shared_ptr<const FftPlan> plan = plans_.find(key);
    if (plan) return *plan;
    refuse_while_recording(stream_, "plan");
    const auto lock = keep_from_recording();
    plan = make_plan(key, stream_);
    if (plan->work_bytes > kMaxWorkBytes)
        throw Error("fft", "cuFFT wants " + std::to_string(plan->work_bytes >> 20) + " MiB of working memory",
                    "transform fewer signals at once");
    grow_work_area(plan->work_bytes);
    if (work_.get() != nullptr) check(cufftSetWorkArea(plan->handle.get(), work_.get()), "work area");
    plans_.keep(key, plan);
    return *plan;
}

void PlanCache::grow_work_area(std::size_t bytes) {
    try {
        if (!work_.grow(bytes)) return;
        for (const auto& [key, plan, uses] : plans_)
            check(cufftSetWorkArea(plan->handle.get(), work_.get()), "work area");
    } catch (const OutOfMemory&) {
        throw;  // all is as it was
    } catch (...) {
        plans_.clear();  // none of them may run on the old area
        throw;
    }
}

void PlanCache::clear() {
    const auto lock = keep_from_recording();
    plans_.clear();
    work_.clear();
}

std::vector<PlanInfo> PlanCache::list() const {
    std::vector<PlanInfo> result;
    if (work_.bytes() > 0) result.push_back({"work area of all plans", work_.bytes(), 0});
    for (const auto& [key, plan, uses] : plans_) {
        result.push_back({extents_text(key.rank, key.extent) + ", batch " + std::to_string(key.batch) +
                              (key.type == CUFFT_R2C   ? ", real → complex"
                               : key.type == CUFFT_C2R ? ", complex → real"
                                                       : ", complex → complex along an axis"),
                          std::nullopt, uses});
    }
    return result;
}

}  // namespace spectral::cuda

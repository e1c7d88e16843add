// Real transforms of many small images at once: each image has a lane of the vector registers to itself, so
// that every butterfly is whole vectors of the same step of as many images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cpu/thread_pool.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/recent_plans.hpp"

namespace spectral::cpu {

/// One pass of a Stockham transform, decimated in frequency: from the values that stand `stride·part` apart
/// to the transforms of `radix` of them, turned by the twiddles.
struct LaneStage {
    std::int64_t radix, parts, stride;
    std::vector<float> twiddles;  ///< parts × (radix − 1) × 2: e^{−2πi·part·k/(radix·parts)}, k from 1
    std::vector<float> roots;     ///< 2 × radix: cos 2πk/radix, then sin; of odd radices
};

class LaneFft {
public:
    /// Images of two axes and more, small enough for all of them to stay in a core's cache, whose sides have
    /// no prime factor above 13. Depends on nothing else, so results do not either.
    static bool fits(const SignalShape& shape);

    /// Of a shape that fits.
    explicit LaneFft(const SignalShape& shape);

    /// y[b] = scale·rfft(x[b]), bins whose mirrors are not stored times `mirrored`.
    void forward(ThreadPool& pool, std::int64_t batch, const float* x, float scale, float mirrored,
                 Complex* y) const;
    /// x[b] = scale·irfft(y[b]) without its 1/N, the bins whose mirrors are not stored times `mirrored`
    /// first.
    void backward(ThreadPool& pool, std::int64_t batch, const Complex* y, float scale, float mirrored,
                  float* x) const;

    // For the implementations of each vector width.
    const SignalShape& shape() const { return shape_; }
    const std::vector<LaneStage>& stages(int axis) const { return axes_[static_cast<std::size_t>(axis)]; }

    /// Of the tables.
    std::size_t bytes() const;

private:
    SignalShape shape_;
    std::vector<std::vector<LaneStage>> axes_;
};

/// Made once per shape.
class LanePlans {
public:
    static constexpr std::size_t kMaxEntries = 32;

    /// Of a shape that fits; good until the next call.
    const LaneFft& get(const SignalShape& shape) {
        return *plans_.get(shape, [&] { return std::make_shared<const LaneFft>(shape); });
    }
    std::vector<PlanInfo> list() const;
    void clear() { plans_.clear(); }

private:
    RecentPlans<SignalShape, LaneFft, kMaxEntries> plans_;
};

}  // namespace spectral::cpu

// Convolutions through oneDNN: primitives, in the orders of values that the library likes, and the reorders
// from and to plain arrays, made once per shape. All of them share one work area.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/ops/convolution.hpp"
#include "kernels/recent_plans.hpp"

namespace spectral {

/// `winograd`: forward by Winograd's algorithm, fewer products of larger sums, where the library has it for
/// the shape; else as `forward`.
enum class ConvolutionTask { forward, winograd, weight_gradient };

/// Plain arrays. Of a gradient, `w` and `bias` are written and `y` is read.
struct ConvolutionArrays {
    const float* x = nullptr;
    float* w = nullptr;
    float* y = nullptr;
    float* bias = nullptr;
};

class ConvolutionPlan;

class ConvolutionPlans {
public:
    static constexpr std::size_t kMaxEntries = 64;

    /// `threads`: those that the library may use.
    explicit ConvolutionPlans(int threads);
    ConvolutionPlans(const ConvolutionPlans&) = delete;
    ConvolutionPlans& operator=(const ConvolutionPlans&) = delete;
    ~ConvolutionPlans();

    /// Whether the library has such sums: none where samples at the end are left out or there is nothing to
    /// sum.
    static bool expressible(const ConvolutionShape& shape);
    /// Of an expressible shape. Throws Error where the library refuses it.
    void run(ConvolutionTask task, const ConvolutionShape& shape, const ConvolutionArrays& arrays);

    /// The work area first; it belongs to all plans, so they have no bytes of their own.
    std::vector<PlanInfo> list() const;
    void clear();

private:
    struct Key {
        ConvolutionTask task = ConvolutionTask::forward;
        ConvolutionShape shape;
        bool bias = false;
        bool operator==(const Key&) const = default;
    };
    struct Free {
        void operator()(void* pointer) const;
    };

    std::byte* work_area(std::size_t bytes);

    int threads_;
    RecentPlans<Key, ConvolutionPlan, kMaxEntries> plans_;
    std::unique_ptr<std::byte, Free> work_area_;
    std::size_t work_bytes_ = 0;
};

}  // namespace spectral

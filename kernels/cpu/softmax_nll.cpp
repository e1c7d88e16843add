#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax_nll.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/ops/loss.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

void softmax_nll(const SoftmaxNll& op) {
    const float scale = 1.0F / static_cast<float>(op.batch);
    LossSums sums;
    for (std::int64_t b = 0; b < op.batch; ++b) {
        bool correct = false;
        float* gradient = op.d_logits ? op.d_logits + b * op.classes : nullptr;
        sums.loss += static_cast<double>(
            softmax_nll_row(op.logits + b * op.classes, op.classes, op.labels[b], scale, gradient, correct));
        sums.correct += correct;
    }
    *op.sums = sums;
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(softmax_nll);

/// In float64, as the definition is written.
void run_reference(Backend& /*backend*/, const SoftmaxNll& op) {
    LossSums sums;
    for (std::int64_t b = 0; b < op.batch; ++b) {
        const float* logits = op.logits + b * op.classes;
        std::int64_t best = 0;
        for (std::int64_t k = 1; k < op.classes; ++k)
            if (logits[k] > logits[best]) best = k;
        const double largest = static_cast<double>(logits[best]);
        double sum = 0;
        for (std::int64_t k = 0; k < op.classes; ++k)
            sum += std::exp(static_cast<double>(logits[k]) - largest);
        sums.loss += std::log(sum) - (static_cast<double>(logits[op.labels[b]]) - largest);
        sums.correct += best == op.labels[b];
        for (std::int64_t k = 0; op.d_logits && k < op.classes; ++k)
            op.d_logits[b * op.classes + k] = static_cast<float>(
                (std::exp(static_cast<double>(logits[k]) - largest) / sum - (k == op.labels[b] ? 1.0 : 0.0)) /
                static_cast<double>(op.batch));
    }
    *op.sums = sums;
}

void run_vectorised(Backend& /*backend*/, const SoftmaxNll& op) { HWY_DYNAMIC_DISPATCH(softmax_nll)(op); }

}  // namespace

void add_softmax_nll(OpTable& table) {
    table.add<SoftmaxNll>(Level::reference, run_reference, "row by row in double precision");
    table.add<SoftmaxNll>(Level::tiled, run_vectorised, "exponentials in vector registers, each taken once");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

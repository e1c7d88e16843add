// PureFFT in one pass over each sample: the gain is computed once, nothing of the batch's size is stored.
#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/purefft_parts.hpp"
#include "kernels/purefft_step.hpp"

namespace spectral::cpu {

namespace {

void run_forward(Backend& backend, const PureFftForward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    const std::int64_t classes = op.sizes.classes, n = op.sizes.frequencies;
    for (std::int64_t b = 0; b < op.sizes.batch; ++b) {
        const float* x = op.input.row(b);
        float* logits = op.logits + b * classes;
        std::fill_n(logits, classes, 0.0F);
        for (std::int64_t f = 0; f < n; ++f) {
            const float y = x[f] * scratch.gain[f];
            for (std::int64_t k = 0; k < classes; ++k) logits[k] += y * op.parameters.class_[k * n + f];
        }
    }
}

void run_backward(Backend& backend, const PureFftBackward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    const std::int64_t classes = op.sizes.classes, n = op.sizes.frequencies;
    std::fill_n(op.gradients.class_, classes * n, 0.0F);
    std::fill_n(scratch.d_gain, scratch.stride, 0.0F);
    for (std::int64_t b = 0; b < op.sizes.batch; ++b) {
        const float* x = op.input.row(b);
        const float* delta = op.d_logits + b * classes;
        for (std::int64_t f = 0; f < n; ++f) {
            const float y = x[f] * scratch.gain[f];
            float dy = 0;
            for (std::int64_t k = 0; k < classes; ++k) {
                op.gradients.class_[k * n + f] += delta[k] * y;
                dy += delta[k] * op.parameters.class_[k * n + f];
            }
            scratch.d_gain[f] += dy * x[f];
        }
    }
    purefft_chain_backward(op.sizes, op.parameters, scratch, op.gradients);
}

}  // namespace

void add_purefft_fused(OpTable& table) {
    constexpr auto kChange = "one pass over each sample, no temporaries";
    table.add<PureFftForward>(Level::fused, run_forward, kChange);
    table.add<PureFftBackward>(Level::fused, run_backward, kChange);
    table.add<PureFftStep>(Level::fused, run_purefft_step<Level::fused>, kChange);
}

}  // namespace spectral::cpu

#include "kernels/cpu/purefft_parts.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/purefft_parts.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

void chain_forward(const PureFftSizes& sizes, const PureFftParameters& parameters, PureFftScratch& scratch) {
    const std::int64_t n = sizes.frequencies;
    for (std::int64_t l = 0; l < sizes.layers; ++l) {
        float* weights = scratch.weights + l * scratch.weights_stride;
        float largest = -INFINITY;
        for (std::int64_t p = 0; p < sizes.patterns; ++p) {
            weights[p] = dot(parameters.pool + p * n, parameters.layer + l * n, n);
            largest = std::max(largest, weights[p]);
        }
        float sum = 0;
        for (std::int64_t p = 0; p < sizes.patterns; ++p) sum += weights[p] = std::exp(weights[p] - largest);
        for (std::int64_t p = 0; p < sizes.patterns; ++p) weights[p] /= sum;

        float* layer_gain = scratch.layer_gains + l * scratch.stride;
        float* prefix = scratch.prefix + l * scratch.stride;
        for_lanes(n, [&](auto d, std::int64_t f) HWY_ATTR {
            auto gain = hn::Zero(d);
            for (std::int64_t p = 0; p < sizes.patterns; ++p)
                gain = hn::MulAdd(hn::Set(d, weights[p]), hn::LoadU(d, parameters.pool + p * n + f), gain);
            const auto before = l == 0 ? hn::Set(d, 1.0F) : hn::LoadU(d, scratch.gain + f);
            hn::StoreU(gain, d, layer_gain + f);
            hn::StoreU(before, d, prefix + f);
            hn::StoreU(hn::Mul(before, gain), d, scratch.gain + f);
        });
        std::fill(layer_gain + n, layer_gain + scratch.stride, 0.0F);
    }
    if (sizes.layers == 0) std::fill(scratch.gain, scratch.gain + n, 1.0F);
    std::fill(scratch.gain + n, scratch.gain + scratch.stride, 0.0F);
}

void chain_backward(const PureFftSizes& sizes, const PureFftParameters& parameters, PureFftScratch& scratch,
                    const PureFftGradients& gradients) {
    const std::int64_t n = sizes.frequencies;
    std::fill(gradients.pool, gradients.pool + sizes.patterns * n, 0.0F);
    std::fill(scratch.suffix, scratch.suffix + scratch.stride, 1.0F);
    for (std::int64_t l = sizes.layers - 1; l >= 0; --l) {
        const float* weights = scratch.weights + l * scratch.weights_stride;
        // d_scores follows the weights of all layers; the softmax weights of layer l are needed to the end.
        float* d_scores = scratch.weights + sizes.layers * scratch.weights_stride;
        float* d_layer = scratch.d_layer_gain;
        for_lanes(n, [&](auto d, std::int64_t f) HWY_ATTR {
            const auto suffix = hn::LoadU(d, scratch.suffix + f);
            const auto others = hn::Mul(hn::LoadU(d, scratch.prefix + l * scratch.stride + f), suffix);
            hn::StoreU(hn::Mul(hn::LoadU(d, scratch.d_gain + f), others), d, d_layer + f);
            hn::StoreU(hn::Mul(suffix, hn::LoadU(d, scratch.layer_gains + l * scratch.stride + f)), d,
                       scratch.suffix + f);
        });
        float mean = 0;
        for (std::int64_t p = 0; p < sizes.patterns; ++p) {
            d_scores[p] = dot(d_layer, parameters.pool + p * n, n);
            mean += weights[p] * d_scores[p];
        }
        for (std::int64_t p = 0; p < sizes.patterns; ++p) d_scores[p] = weights[p] * (d_scores[p] - mean);
        for_lanes(n, [&](auto d, std::int64_t f) HWY_ATTR {
            const auto dl = hn::LoadU(d, d_layer + f);
            const auto pattern = hn::LoadU(d, parameters.layer + l * n + f);
            auto d_pattern = hn::Zero(d);
            for (std::int64_t p = 0; p < sizes.patterns; ++p) {
                float* d_pool = gradients.pool + p * n + f;
                const auto d_score = hn::Set(d, d_scores[p]);
                auto sum = hn::MulAdd(hn::Set(d, weights[p]), dl, hn::LoadU(d, d_pool));
                hn::StoreU(hn::MulAdd(d_score, pattern, sum), d, d_pool);
                d_pattern = hn::MulAdd(d_score, hn::LoadU(d, parameters.pool + p * n + f), d_pattern);
            }
            hn::StoreU(d_pattern, d, gradients.layer + l * n + f);
        });
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(chain_forward);
HWY_EXPORT(chain_backward);

void run_gain(Backend& backend, const PureFftGain& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    std::copy_n(scratch.gain, op.sizes.frequencies, op.gain);
    for (std::int64_t l = 0; l < op.sizes.layers; ++l)
        std::copy_n(scratch.weights + l * scratch.weights_stride, op.sizes.patterns,
                    op.weights + l * op.sizes.patterns);
}

}  // namespace

PureFftScratch::PureFftScratch(const PureFftSizes& sizes, int threads, float* memory)
    : stride(padded_columns(sizes.frequencies)), weights_stride(padded_columns(sizes.patterns)) {
    const auto take = [&](std::int64_t floats) {
        float* start = memory;
        if (memory) memory += floats;
        return start;
    };
    partial_size = purefft_part_rows(sizes) * stride;
    weights = take((sizes.layers + 1) * weights_stride);
    layer_gains = take(sizes.layers * stride);
    gain = take(stride);
    d_gain = take(stride);
    d_layer_gain = take(stride);
    prefix = take(sizes.layers * stride);
    suffix = take(stride);
    matrix = take(sizes.classes * stride);
    partial = take(threads * partial_size);
}

void purefft_chain_forward(const PureFftSizes& sizes, const PureFftParameters& parameters,
                           PureFftScratch& scratch) {
    HWY_DYNAMIC_DISPATCH(chain_forward)(sizes, parameters, scratch);
}

void purefft_chain_backward(const PureFftSizes& sizes, const PureFftParameters& parameters,
                            PureFftScratch& scratch, const PureFftGradients& gradients) {
    HWY_DYNAMIC_DISPATCH(chain_backward)(sizes, parameters, scratch, gradients);
}

void add_purefft_gain(OpTable& table) {
    table.add<PureFftGain>(Level::fused, run_gain, "pool and layer patterns only, no batch");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

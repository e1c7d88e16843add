// PureFFT in cache blocks, vector registers and threads, with the network's own steps: y = x ⊙ g, logits = y
// Cᵀ; backward ∂C = δᵀ y and ∂g = Σ_b x ⊙ (δ C).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/purefft_tiled.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/purefft_batch-inl.hpp"
#include "kernels/cpu/purefft_parts.hpp"
#include "kernels/purefft_step.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// y = x ⊙ g for the rows [begin, end), into the thread's tile.
HWY_INLINE void apply_gain(const PureFftInput& input, const PureFftScratch& scratch, std::int64_t begin,
                           std::int64_t end, float* tile) {
    const Floats d;
    for (std::int64_t b = begin; b < end; ++b) {
        const float* x = input.row(b);
        float* y = tile + (b - begin) * scratch.stride;
        for (std::int64_t f = 0; f < scratch.stride; f += lanes())
            hn::Store(hn::Mul(hn::Load(d, x + f), hn::Load(d, scratch.gain + f)), d, y + f);
    }
}

void forward_tile(const PureFftForward& op, const PureFftScratch& scratch, std::int64_t begin,
                  std::int64_t end, float* tile) {
    apply_gain(op.input, scratch, begin, end, tile);
    const auto row = [&](std::int64_t b) { return static_cast<const float*>(tile + b * scratch.stride); };
    rows_by_matrix(end - begin, row, scratch.matrix, scratch.stride, op.sizes.classes,
                   op.logits + begin * op.sizes.classes);
}

void backward_tile(const PureFftBackward& op, const PureFftScratch& scratch, std::int64_t begin,
                   std::int64_t end, float* tile, float* d_class, float* d_gain) {
    const Floats d;
    const std::int64_t classes = op.sizes.classes, stride = scratch.stride;
    const float* delta = op.d_logits + begin * classes;
    apply_gain(op.input, scratch, begin, end, tile);
    const auto row = [&](std::int64_t b) { return static_cast<const float*>(tile + b * stride); };
    add_outer(end - begin, row, delta, classes, d_class, stride);
    for (std::int64_t f = 0; f < stride; f += lanes()) {
        Vector sum = hn::Load(d, d_gain + f);
        for (std::int64_t b = begin; b < end; ++b) {
            Vector dy = hn::Zero(d);
            for (std::int64_t k = 0; k < classes; ++k)
                dy = hn::MulAdd(hn::Set(d, delta[(b - begin) * classes + k]),
                                hn::Load(d, scratch.matrix + k * stride + f), dy);
            sum = hn::MulAdd(dy, hn::Load(d, op.input.row(b) + f), sum);
        }
        hn::Store(sum, d, d_gain + f);
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(forward_tile);
HWY_EXPORT(backward_tile);

/// The class patterns on padded, aligned rows.
void pad_class_patterns(const PureFftSizes& sizes, const float* class_, const PureFftScratch& scratch) {
    for (std::int64_t k = 0; k < sizes.classes; ++k) {
        float* row = scratch.matrix + k * scratch.stride;
        std::copy_n(class_ + k * sizes.frequencies, sizes.frequencies, row);
        std::fill(row + sizes.frequencies, row + scratch.stride, 0.0F);
    }
}

float* tile_of(const PureFftSizes& sizes, const PureFftScratch& scratch, int part) {
    return scratch.d_matrix(part) + (sizes.classes + 1) * scratch.stride;
}

void run_forward(Backend& backend, const PureFftForward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    pad_class_patterns(op.sizes, op.parameters.class_, scratch);
    as_cpu(backend).pool().split(op.sizes.batch, [&](int part, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; b += PureFftScratch::kTile) HWY_DYNAMIC_DISPATCH(forward_tile)
        (op, scratch, b, std::min(end, b + PureFftScratch::kTile), tile_of(op.sizes, scratch, part));
    });
}

void run_backward(Backend& backend, const PureFftBackward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    const std::int64_t classes = op.sizes.classes, n = op.sizes.frequencies, stride = scratch.stride;
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    pad_class_patterns(op.sizes, op.parameters.class_, scratch);
    as_cpu(backend).pool().split(op.sizes.batch, [&](int part, std::int64_t begin, std::int64_t end) {
        float* d_class = scratch.d_matrix(part);
        float* d_gain = d_class + classes * stride;
        std::fill_n(d_class, (classes + 1) * stride, 0.0F);
        for (std::int64_t b = begin; b < end; b += PureFftScratch::kTile) HWY_DYNAMIC_DISPATCH(backward_tile)
        (op, scratch, b, std::min(end, b + PureFftScratch::kTile), tile_of(op.sizes, scratch, part), d_class,
         d_gain);
    });
    // The threads' sums, added in their order.
    for (std::int64_t k = 0; k <= classes; ++k) {
        float* sum = k < classes ? op.gradients.class_ + k * n : scratch.d_gain;
        std::fill_n(sum, n, 0.0F);
        for (int part = 0; part < backend.threads(); ++part)
            for (std::int64_t f = 0; f < n; ++f) sum[f] += scratch.d_matrix(part)[k * stride + f];
    }
    purefft_chain_backward(op.sizes, op.parameters, scratch, op.gradients);
}

}  // namespace

void add_purefft_tiled(OpTable& table) {
    constexpr auto kChange = "vector registers, cache blocks, threads";
    table.add<PureFftForward>(Level::tiled, run_forward, kChange);
    table.add<PureFftBackward>(Level::tiled, run_backward, kChange);
    table.add<PureFftStep>(Level::tiled, run_purefft_step<Level::tiled>, kChange);
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

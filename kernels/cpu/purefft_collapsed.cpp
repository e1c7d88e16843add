// PureFFT collapsed to one linear map: with M = g ⊙ C forward is x Mᵀ, and all that backward needs of the
// batch is D = δᵀ x, then ∂C = D ⊙ g and ∂g = Σ_k D[k] ⊙ C[k]. A training step makes both products while a
// tile of samples is in the cache, so each sample is read from memory once.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/purefft_collapsed.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/purefft_batch-inl.hpp"
#include "kernels/cpu/purefft_parts.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// matrix[k] = gain ⊙ class_[k], padded with zeros.
void collapse(const PureFftSizes& sizes, const float* class_, const PureFftScratch& scratch) {
    const std::int64_t n = sizes.frequencies;
    for (std::int64_t k = 0; k < sizes.classes; ++k) {
        float* row = scratch.matrix + k * scratch.stride;
        for_lanes(n, [&](auto d, std::int64_t f) HWY_ATTR {
            hn::StoreU(hn::Mul(hn::LoadU(d, scratch.gain + f), hn::LoadU(d, class_ + k * n + f)), d, row + f);
        });
        std::fill(row + n, row + scratch.stride, 0.0F);
    }
}

/// Sums the threads' D in order, then ∂C and ∂g.
void expand(const PureFftSizes& sizes, const float* class_, const PureFftScratch& scratch, int threads,
            float* d_class) {
    const std::int64_t n = sizes.frequencies;
    for (std::int64_t k = 0; k < sizes.classes; ++k) {
        for_lanes(n, [&](auto d, std::int64_t f) HWY_ATTR {
            auto sum = hn::LoadU(d, scratch.d_matrix(0) + k * scratch.stride + f);
            for (int t = 1; t < threads; ++t)
                sum = hn::Add(sum, hn::LoadU(d, scratch.d_matrix(t) + k * scratch.stride + f));
            hn::StoreU(hn::Mul(sum, hn::LoadU(d, scratch.gain + f)), d, d_class + k * n + f);
            const auto before = k == 0 ? hn::Zero(d) : hn::LoadU(d, scratch.d_gain + f);
            hn::StoreU(hn::MulAdd(sum, hn::LoadU(d, class_ + k * n + f), before), d, scratch.d_gain + f);
        });
    }
}

void forward_range(const PureFftSizes& sizes, const PureFftInput& input, const PureFftScratch& scratch,
                   std::int64_t begin, std::int64_t end, float* logits) {
    const auto row = [&](std::int64_t b) { return input.row(begin + b); };
    rows_by_matrix(end - begin, row, scratch.matrix, scratch.stride, sizes.classes,
                   logits + begin * sizes.classes);
}

void backward_range(const PureFftSizes& sizes, const PureFftInput& input, const PureFftScratch& scratch,
                    std::int64_t begin, std::int64_t end, const float* delta, float* d_matrix) {
    const auto row = [&](std::int64_t b) { return input.row(begin + b); };
    add_outer(end - begin, row, delta + begin * sizes.classes, sizes.classes, d_matrix, scratch.stride);
}

/// A tile of samples through forward, loss and backward; sums are added to `sums`.
void step_range(const PureFftStep& op, const PureFftScratch& scratch, std::int64_t begin, std::int64_t end,
                float* d_matrix, LossSums& sums) {
    const std::int64_t classes = op.sizes.classes;
    const float scale = 1.0F / static_cast<float>(op.sizes.batch);
    forward_range(op.sizes, op.input, scratch, begin, end, op.logits);
    for (std::int64_t b = begin; b < end; ++b) {
        bool correct = false;
        float* logits = op.logits + b * classes;
        sums.loss +=
            static_cast<double>(softmax_nll_row(logits, classes, op.labels[b], scale, logits, correct));
        sums.correct += correct;
    }
    backward_range(op.sizes, op.input, scratch, begin, end, op.logits, d_matrix);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(collapse);
HWY_EXPORT(expand);
HWY_EXPORT(forward_range);
HWY_EXPORT(backward_range);
HWY_EXPORT(step_range);

/// Samples whose rows stay in a core's cache between the two products.
std::int64_t tile_of(std::int64_t stride) {
    constexpr std::int64_t kCacheFloats = 64 * 1024;
    return std::clamp<std::int64_t>(kCacheFloats / stride, 4, PureFftScratch::kTile);
}

void run_forward(Backend& backend, const PureFftForward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    HWY_DYNAMIC_DISPATCH(collapse)(op.sizes, op.parameters.class_, scratch);
    as_cpu(backend).pool().split(op.sizes.batch, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(forward_range)(op.sizes, op.input, scratch, begin, end, op.logits);
    });
}

void clear_partial(const PureFftSizes& sizes, const PureFftScratch& scratch, int part) {
    std::fill_n(scratch.d_matrix(part), sizes.classes * scratch.stride, 0.0F);
}

void finish_backward(Backend& backend, const PureFftSizes& sizes, const PureFftParameters& parameters,
                     PureFftScratch& scratch, const PureFftGradients& gradients) {
    if (sizes.classes == 0) std::fill_n(scratch.d_gain, scratch.stride, 0.0F);
    HWY_DYNAMIC_DISPATCH(expand)(sizes, parameters.class_, scratch, backend.threads(), gradients.class_);
    purefft_chain_backward(sizes, parameters, scratch, gradients);
}

void run_backward(Backend& backend, const PureFftBackward& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    as_cpu(backend).pool().split(op.sizes.batch, [&](int part, std::int64_t begin, std::int64_t end) {
        clear_partial(op.sizes, scratch, part);
        HWY_DYNAMIC_DISPATCH(backward_range)
        (op.sizes, op.input, scratch, begin, end, op.d_logits, scratch.d_matrix(part));
    });
    finish_backward(backend, op.sizes, op.parameters, scratch, op.gradients);
}

void run_whole_step(Backend& backend, const PureFftStep& op) {
    PureFftScratch scratch(op.sizes, backend.threads(), op.scratch);
    purefft_chain_forward(op.sizes, op.parameters, scratch);
    HWY_DYNAMIC_DISPATCH(collapse)(op.sizes, op.parameters.class_, scratch);
    const std::int64_t tile = tile_of(scratch.stride);
    as_cpu(backend).pool().split(op.sizes.batch, [&](int part, std::int64_t begin, std::int64_t end) {
        clear_partial(op.sizes, scratch, part);
        LossSums sums;
        for (std::int64_t b = begin; b < end; b += tile) HWY_DYNAMIC_DISPATCH(step_range)
        (op, scratch, b, std::min(end, b + tile), scratch.d_matrix(part), sums);
        // The thread's sums travel behind its D, in the part of the scratch that only level 4 uses.
        new (scratch.d_matrix(part) + op.sizes.classes * scratch.stride) LossSums(sums);
    });
    *op.sums = {};
    for (int part = 0; part < backend.threads(); ++part) {
        const auto* sums =
            reinterpret_cast<const LossSums*>(scratch.d_matrix(part) + op.sizes.classes * scratch.stride);
        op.sums->loss += sums->loss;
        op.sums->correct += sums->correct;
    }
    finish_backward(backend, op.sizes, op.parameters, scratch, op.gradients);
}

}  // namespace

void add_purefft_collapsed(OpTable& table) {
    table.add<PureFftForward>(Level::custom, run_forward,
                              "M = g⊙C first, then one product x·Mᵀ in registers");
    table.add<PureFftBackward>(Level::custom, run_backward,
                               "one product D = δᵀx; ∂C and ∂g follow from D alone");
    table.add<PureFftStep>(Level::custom, run_whole_step,
                           "M = g⊙C, D = δᵀx: both products while a tile of samples is in the cache");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

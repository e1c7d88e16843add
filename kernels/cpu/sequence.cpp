// What sequence models need besides products and norms: SwiGLU, dropout, and gradients of rows gathered by
// index.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/sequence.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"
#include "kernels/cpu/simd_math-inl.hpp"
#include "kernels/ops/dropout.hpp"
#include "kernels/ops/gated.hpp"
#include "kernels/ops/scatter_rows.hpp"
#include "kernels/philox.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// 1/(1 + e^{−x})
template <class D, class V = hn::Vec<D>>
HWY_INLINE V logistic(D d, V x) {
    const V one = hn::Set(d, 1.0F), power = exp_of_non_positive(d, hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), power, one), hn::Add(one, power));
}

void swiglu(const SwiGlu& op, std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
        const float *gate = op.gate + b * op.stride, *value = op.value + b * op.stride;
        float* y = op.y + b * op.size;
        for_lanes(op.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto g = hn::LoadU(d, gate + i);
            hn::StoreU(hn::Mul(hn::Mul(g, logistic(d, g)), hn::LoadU(d, value + i)), d, y + i);
        });
    }
}

void swiglu_backward(const SwiGluBackward& op, std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
        const float *gate = op.gate + b * op.stride, *value = op.value + b * op.stride,
                    *dy = op.dy + b * op.size;
        float *dgate = op.dgate + b * op.stride, *dvalue = op.dvalue + b * op.stride;
        for_lanes(op.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto g = hn::LoadU(d, gate + i), v = hn::LoadU(d, value + i), slope = hn::LoadU(d, dy + i);
            const auto open = logistic(d, g), closed = logistic(d, hn::Neg(g)), one = hn::Set(d, 1.0F);
            // σ(x) + x·σ(x)σ(−x)
            const auto derivative = hn::Mul(open, hn::MulAdd(g, closed, one));
            hn::StoreU(hn::Mul(hn::Mul(slope, v), derivative), d, dgate + i);
            hn::StoreU(hn::Mul(slope, hn::Mul(g, open)), d, dvalue + i);
        });
    }
}

/// Blocks of four words [begin, end), as many at a time as the compiler can put side by side.
void dropout(const Dropout& op, std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t kBlocks = 32;
    const float scale = op.scale();
    for (std::int64_t first = begin; first < end; first += kBlocks) {
        float factors[4 * kBlocks];
        const std::int64_t count = HWY_MIN(kBlocks, end - first);
        for (std::int64_t i = 0; i < count; ++i) {
            const PhiloxBlock block = philox_block(op.seed, op.stream, static_cast<std::uint64_t>(first + i));
            for (int word = 0; word < 4; ++word)
                factors[4 * i + word] = block.word[word] < op.threshold ? 0.0F : scale;
        }
        const std::int64_t size = HWY_MIN(4 * count, op.size - 4 * first);
        const float* x = op.x + 4 * first;
        float* y = op.y + 4 * first;
        for (std::int64_t i = 0; i < size; ++i) y[i] = factors[i] == 0 ? 0.0F : x[i] * factors[i];
    }
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(swiglu);
HWY_EXPORT(swiglu_backward);
HWY_EXPORT(dropout);

void run_swiglu(Backend& backend, const SwiGlu& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(swiglu)(op, begin, end);
    });
}

void run_swiglu_backward(Backend& backend, const SwiGluBackward& op) {
    as_cpu(backend).pool().split(op.batch, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(swiglu_backward)(op, begin, end);
    });
}

void run_dropout(Backend& backend, const Dropout& op) {
    as_cpu(backend).pool().split((op.size + 3) / 4, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(dropout)(op, begin, end);
    });
}

void run_scatter_add_rows(Backend& backend, const ScatterAddRows& op) {
    as_cpu(backend).pool().split(op.columns, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = 0; b < op.batch; ++b) {
            const std::int64_t row = op.rows[b];
            if (row == op.left_out) continue;
            const float* x = op.x + b * op.columns;
            float* y = op.y + row * op.columns;
            for (std::int64_t i = begin; i < end; ++i) y[i] += x[i];
        }
    });
}

}  // namespace

void add_sequence(OpTable& table) {
    constexpr auto kVectorised = "vector registers, rows split over the threads";
    table.add<SwiGlu>(Level::tiled, run_swiglu, kVectorised);
    table.add<SwiGluBackward>(Level::tiled, run_swiglu_backward, kVectorised);
    table.add<Dropout>(Level::tiled, run_dropout, "random words made where they are used, threads");
    table.add<ScatterAddRows>(Level::tiled, run_scatter_add_rows,
                              "columns split over the threads, rows in their order");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

// Layer norm, alone and followed by GELU, and the gradients: a row is read once from memory and again from
// the first cache; rows are split over the threads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cpp"
#include "kernels/ops/layer_norm.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd_math-inl.hpp"
#include "kernels/ops/dense.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Σ term(d, i) over a row, terms of whole vectors and of single values. Four sums at a time: one would wait
/// for itself.
template <class Term>
HWY_INLINE float row_sum(std::int64_t size, const Term& term) {
    const Floats d;
    const std::int64_t step = lanes();
    Vector a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        a = hn::Add(a, term(d, i));
        b = hn::Add(b, term(d, i + step));
        c = hn::Add(c, term(d, i + 2 * step));
        e = hn::Add(e, term(d, i + 3 * step));
    }
    for (; i + step <= size; i += step) a = hn::Add(a, term(d, i));
    float rest = 0;
    const hn::CappedTag<float, 1> one;
    for (; i < size; ++i) rest += hn::GetLane(term(one, i));
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e)))) + rest;
}

/// Nothing after the norm, or GELU.
struct Identity {
    template <class D, class V>
    static HWY_INLINE V value(D, V z) {
        return z;
    }
    template <class D, class V>
    static HWY_INLINE V derivative(D d, V) {
        return hn::Set(d, 1.0F);
    }
};

struct Gelu {
    template <class D, class V>
    static HWY_INLINE V value(D d, V z) {
        return gelu(d, z);
    }
    template <class D, class V>
    static HWY_INLINE V derivative(D d, V z) {
        return gelu_derivative(d, z);
    }
};

template <class Function, class Op>
HWY_INLINE void forward(const Op& op, std::int64_t begin, std::int64_t end) {
    if (begin == end) return;
    // Copies: what is stored could be the operation itself, as far as the compiler knows.
    const NormRows r = op.rows;
    const auto count = static_cast<float>(r.size);
    const float* x = r.x + begin * r.size;
    float* y = op.y + begin * r.size;
    float sum = row_sum(r.size, [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, x + i); });
    for (std::int64_t b = begin; b < end; ++b) {
        const float mean = sum / count;
        const float squares = row_sum(r.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto u = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
            return hn::Mul(u, u);
        });
        const float inverse = 1 / std::sqrt(squares / count + r.epsilon);
        op.mean[b] = mean;
        op.inverse_deviation[b] = inverse;
        const float gain = r.gain * inverse;
        // The next row is read and added up while this one is computed; the last has itself for the next.
        const float* next = b + 1 < end ? x + r.size : x;
        sum = row_sum(r.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto n = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, gain));
            const auto z = hn::MulAdd(hn::LoadU(d, r.scale + i), n, hn::LoadU(d, r.shift + i));
            const auto ahead = hn::LoadU(d, next + i);
            hn::StoreU(Function::value(d, z), d, y + i);
            return ahead;
        });
        x = next;
        y += r.size;
    }
}

/// Rows [begin, end), whose shares of dscale and dshift are added up in `sums`, one behind the other.
template <class Function, class Op>
HWY_INLINE void backward(const Op& op, std::int64_t begin, std::int64_t end, float* HWY_RESTRICT sums) {
    const NormRows& r = op.rows;
    const auto count = static_cast<float>(r.size);
    float *dscale = sums, *dshift = sums + r.size;
    std::fill_n(sums, 2 * r.size, 0.0F);
    for (std::int64_t b = begin; b < end; ++b) {
        const float *x = r.x + b * r.size, *dy = op.dy + b * r.size;
        float* dx = op.dx + b * r.size;
        const float mean = op.mean[b], inverse = op.inverse_deviation[b];
        const auto normalised = [&](auto d, std::int64_t i) HWY_ATTR {
            return hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, inverse));
        };
        float along = 0;
        // dx holds g until both sums over the row are known.
        const float sum = row_sum(r.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto n = normalised(d, i), gain = hn::Set(d, r.gain);
            const auto scale = hn::LoadU(d, r.scale + i);
            const auto z = hn::MulAdd(hn::Mul(scale, gain), n, hn::LoadU(d, r.shift + i));
            const auto dz = hn::Mul(hn::LoadU(d, dy + i), Function::derivative(d, z));
            const auto gained = hn::Mul(gain, dz);
            hn::StoreU(hn::MulAdd(n, gained, hn::LoadU(d, dscale + i)), d, dscale + i);
            hn::StoreU(hn::Add(dz, hn::LoadU(d, dshift + i)), d, dshift + i);
            const auto g = hn::Mul(scale, gained);
            hn::StoreU(g, d, dx + i);
            return g;
        });
        along = row_sum(r.size, [&](auto d, std::int64_t i)
                                    HWY_ATTR { return hn::Mul(hn::LoadU(d, dx + i), normalised(d, i)); });
        for_lanes(r.size, [&](auto d, std::int64_t i) HWY_ATTR {
            const auto centred = hn::Sub(hn::LoadU(d, dx + i), hn::Set(d, sum / count));
            const auto g = hn::NegMulAdd(normalised(d, i), hn::Set(d, along / count), centred);
            hn::StoreU(hn::Mul(g, hn::Set(d, inverse)), d, dx + i);
        });
    }
}

void layer_norm(const LayerNorm& op, std::int64_t begin, std::int64_t end) {
    forward<Identity>(op, begin, end);
}
void layer_norm_gelu(const LayerNormGelu& op, std::int64_t begin, std::int64_t end) {
    forward<Gelu>(op, begin, end);
}
void layer_norm_backward(const LayerNormBackward& op, std::int64_t begin, std::int64_t end, float* sums) {
    backward<Identity>(op, begin, end, sums);
}
void layer_norm_gelu_backward(const LayerNormGeluBackward& op, std::int64_t begin, std::int64_t end,
                              float* sums) {
    backward<Gelu>(op, begin, end, sums);
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(layer_norm);
HWY_EXPORT(layer_norm_gelu);
HWY_EXPORT(layer_norm_backward);
HWY_EXPORT(layer_norm_gelu_backward);

void run_layer_norm(Backend& backend, const LayerNorm& op) {
    as_cpu(backend).pool().split(op.rows.batch, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(layer_norm)(op, begin, end);
    });
}

void run_layer_norm_gelu(Backend& backend, const LayerNormGelu& op) {
    as_cpu(backend).pool().split(op.rows.batch, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(layer_norm_gelu)(op, begin, end);
    });
}

/// In two passes.
void run_layer_norm_gelu_reference(Backend& backend, const LayerNormGelu& op) {
    backend.run(LayerNorm{op.rows, op.y, op.mean, op.inverse_deviation});
    backend.run(Activation{ActivationKind::gelu, op.rows.batch * op.rows.size, op.y, op.y});
}

/// run(begin, end, sums) for every block of kNormRows rows, in any thread, then the blocks' sums in their
/// order.
template <class Op, class Run>
void over_blocks(Backend& backend, const Op& op, const Run& run) {
    const std::int64_t batch = op.rows.batch, size = op.rows.size;
    const std::int64_t blocks = (batch + kNormRows - 1) / kNormRows;
    as_cpu(backend).pool().split(blocks, [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t block = first; block < last; ++block)
            run(block * kNormRows, std::min(batch, (block + 1) * kNormRows), op.scratch + block * 2 * size);
    });
    std::fill_n(op.dscale, size, 0.0F);
    std::fill_n(op.dshift, size, 0.0F);
    for (std::int64_t block = 0; block < blocks; ++block) {
        const float *dscale = op.scratch + block * 2 * size, *dshift = dscale + size;
        for (std::int64_t i = 0; i < size; ++i) op.dscale[i] += dscale[i];
        for (std::int64_t i = 0; i < size; ++i) op.dshift[i] += dshift[i];
    }
}

void run_backward(Backend& backend, const LayerNormBackward& op) {
    over_blocks(backend, op, [&](std::int64_t begin, std::int64_t end, float* sums) {
        HWY_DYNAMIC_DISPATCH(layer_norm_backward)(op, begin, end, sums);
    });
}

void run_gelu_backward(Backend& backend, const LayerNormGeluBackward& op) {
    over_blocks(backend, op, [&](std::int64_t begin, std::int64_t end, float* sums) {
        HWY_DYNAMIC_DISPATCH(layer_norm_gelu_backward)(op, begin, end, sums);
    });
}

}  // namespace

void add_layer_norm(OpTable& table) {
    constexpr auto kForward = "vector registers, rows split over the threads",
                   kBackward = "vector registers, blocks of rows split over the threads, their sums in order";
    table.add<LayerNorm>(Level::tiled, run_layer_norm, kForward);
    table.add<LayerNormGelu>(Level::reference, run_layer_norm_gelu_reference,
                             "layer norm, then GELU in a second pass");
    table.add<LayerNormGelu>(Level::tiled, run_layer_norm_gelu, kForward);
    table.add<LayerNormBackward>(Level::tiled, run_backward, kBackward);
    table.add<LayerNormGeluBackward>(Level::tiled, run_gelu_backward, kBackward);
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

// Transforms in vector lanes: images are transposed into lanes as they are read and back as they are written.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/lane_fft.cpp"
#include "kernels/cpu/lane_fft.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/cpu/lane_blocks-inl.hpp"
#include "kernels/cpu/lane_stages-inl.hpp"
#include "kernels/cpu/simd-inl.hpp"

#ifndef SPECTRAL_CPU_LANE_FFT
#define SPECTRAL_CPU_LANE_FFT
namespace spectral::cpu {

inline constexpr std::int64_t kMostLanes = 16, kMostBins = 1024, kMostExtent = 128, kMostPrime = 13;

/// What both directions do to a range of the images. x and y of neighbouring images stand size and bins
/// apart.
struct LaneBatch {
    const LaneFft& plan;
    std::int64_t batch;
    float scale, mirrored;
    const float* from;
    float* to;
};

}  // namespace spectral::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// What one thread works in: lanes of all images of a block.
struct LaneWork {
    HWY_ALIGN float spectra[2 * kMostBins * kMostLanes];
    HWY_ALIGN float rows[2 * kMostExtent * kMostLanes];  ///< two rows of every image
    HWY_ALIGN float passes[2][2 * kMostExtent * kMostLanes];

    LaneView pass(int which) { return {passes[which], passes[which] + lanes(), 2 * lanes()}; }
    /// The rows as real and imaginary parts.
    LaneView row_pair(std::int64_t extent) { return {rows, rows + extent * lanes(), lanes()}; }
    /// Every `stride`-th bin from `first` on.
    LaneView bins(std::int64_t first, std::int64_t stride) {
        float* at = spectra + 2 * first * lanes();
        return {at, at + lanes(), 2 * stride * lanes()};
    }
};

/// `to` may be `from`, but neither may be one of the passes.
void transform(LaneWork& work, const std::vector<LaneStage>& stages, LaneView from, LaneView to) {
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const LaneView next = i + 1 == stages.size() ? to : work.pass(static_cast<int>(i % 2));
        run_stage(stages[i], from, next);
        from = next;
    }
}

/// All axes but the last, in place.
void transform_columns(LaneWork& work, const LaneFft& plan, bool inverse) {
    const SignalShape& shape = plan.shape();
    const std::int64_t all = shape.spectrum_size();
    std::int64_t outer = 1;
    for (int axis = 0; axis + 1 < shape.rank; ++axis) {
        const std::int64_t extent = shape.extent[static_cast<std::size_t>(axis)],
                           inner = all / outer / extent;
        for (std::int64_t o = 0; o < outer; ++o) {
            for (std::int64_t i = 0; i < inner; ++i) {
                const LaneView column = work.bins(o * extent * inner + i, inner),
                               view = inverse ? column.swapped() : column;
                transform(work, plan.stages(axis), view, view);
            }
        }
        outer *= extent;
    }
}

/// The last axis of two rows that were transformed as one, z: u as real and v as imaginary parts.
/// U[f] = (Z[f] + conj Z[n−f])/2, V[f] = (Z[f] − conj Z[n−f])/2i.
void split_rows(LaneView z, std::int64_t extent, float scale, float mirrored, LaneView u, LaneView v) {
    const Floats d;
    for (std::int64_t f = 0; f <= extent / 2; ++f) {
        const bool edge = f == 0 || 2 * f == extent;
        const Vector weight = hn::Set(d, 0.5F * scale * (edge ? 1 : mirrored));
        const Values a = z.load(f), b = z.load(edge ? f : extent - f);
        u.store(f, {hn::Mul(weight, hn::Add(a.re, b.re)), hn::Mul(weight, hn::Sub(a.im, b.im))});
        v.store(f, {hn::Mul(weight, hn::Add(a.im, b.im)), hn::Mul(weight, hn::Sub(b.re, a.re))});
    }
}

/// The inverse of split_rows(): Z[f] = U[f] + iV[f] and Z[n−f] = conj U[f] + i·conj V[f]. Of bins without a
/// mirror the real part counts.
void join_rows(LaneView u, LaneView v, std::int64_t extent, float scale, float mirrored, LaneView z) {
    const Floats d;
    for (std::int64_t f = 0; f <= extent / 2; ++f) {
        const bool edge = f == 0 || 2 * f == extent;
        const Vector weight = hn::Set(d, scale * (edge ? 1 : mirrored));
        const Values a = u.load(f), b = v.load(f);
        if (edge) {
            z.store(f, {hn::Mul(weight, a.re), hn::Mul(weight, b.re)});
            continue;
        }
        z.store(f, {hn::Mul(weight, hn::Sub(a.re, b.im)), hn::Mul(weight, hn::Add(a.im, b.re))});
        z.store(extent - f, {hn::Mul(weight, hn::Add(a.re, b.im)), hn::Mul(weight, hn::Sub(b.re, a.im))});
    }
}

/// Where the images of a block stand, a lane each. Lanes without an image repeat the last one: what they
/// write is what it writes.
template <class T>
std::array<T*, kMostLanes> places(T* first, std::int64_t count, std::int64_t size) {
    std::array<T*, kMostLanes> at{};
    for (std::int64_t lane = 0; lane < kMostLanes; ++lane)
        at[static_cast<std::size_t>(lane)] = first + std::min(lane, count - 1) * size;
    return at;
}

/// Blocks [begin, end) of as many images as there are lanes.
void forward_blocks(const LaneBatch& op, std::int64_t begin, std::int64_t end) {
    LaneWork work;
    const SignalShape& shape = op.plan.shape();
    const std::int64_t extent = shape.extent[static_cast<std::size_t>(shape.rank - 1)], bins = extent / 2 + 1,
                       size = shape.size(), rows = size / extent, values = 2 * rows * bins;
    const LaneView z = work.pass(0);
    for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * lanes(), count = std::min(lanes(), op.batch - first);
        const auto from = places(op.from + first * size, count, size);
        const auto to = places(op.to + first * values, count, values);
        for (std::int64_t row = 0; row < rows; row += 2) {
            const bool pair = row + 1 < rows;
            to_lanes(from.data(), row * extent, (pair ? 2 : 1) * extent, work.rows);
            if (!pair) std::fill_n(work.rows + extent * lanes(), extent * lanes(), 0.0F);
            transform(work, op.plan.stages(shape.rank - 1), work.row_pair(extent), work.row_pair(extent));
            const LaneView u = work.bins(row * bins, 1);
            // Nobody reads what a row without a partner splits off.
            split_rows(work.row_pair(extent), extent, op.scale, op.mirrored, u,
                       pair ? work.bins((row + 1) * bins, 1) : z);
        }
        transform_columns(work, op.plan, false);
        from_lanes(work.spectra, values, to.data(), 0);
    }
}

void backward_blocks(const LaneBatch& op, std::int64_t begin, std::int64_t end) {
    LaneWork work;
    const SignalShape& shape = op.plan.shape();
    const std::int64_t extent = shape.extent[static_cast<std::size_t>(shape.rank - 1)], bins = extent / 2 + 1,
                       size = shape.size(), rows = size / extent, values = 2 * rows * bins;
    for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * lanes(), count = std::min(lanes(), op.batch - first);
        const auto from = places(op.from + first * values, count, values);
        const auto to = places(op.to + first * size, count, size);
        to_lanes(from.data(), 0, values, work.spectra);
        transform_columns(work, op.plan, true);
        for (std::int64_t row = 0; row < rows; row += 2) {
            const bool pair = row + 1 < rows;
            // An odd last row is transformed beside itself.
            join_rows(work.bins(row * bins, 1), work.bins((pair ? row + 1 : row) * bins, 1), extent, op.scale,
                      op.mirrored, work.row_pair(extent));
            const LaneView swapped = work.row_pair(extent).swapped();
            transform(work, op.plan.stages(shape.rank - 1), swapped, swapped);
            from_lanes(work.rows, (pair ? 2 : 1) * extent, to.data(), row * extent);
        }
    }
}

std::int64_t images_per_block() { return lanes(); }

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(forward_blocks);
HWY_EXPORT(backward_blocks);
HWY_EXPORT(images_per_block);

/// 4 as often as it divides: its butterfly has no products.
std::vector<std::int64_t> radices(std::int64_t extent) {
    std::vector<std::int64_t> result;
    for (const std::int64_t radix : {4, 2, 3, 5, 7, 11, 13}) {
        for (; extent % radix == 0; extent /= radix) result.push_back(radix);
    }
    if (extent > 1) result.clear();
    return result;
}

std::vector<LaneStage> stages_of(std::int64_t extent) {
    std::vector<LaneStage> stages;
    std::int64_t rest = extent;
    for (const std::int64_t radix : radices(extent)) {
        LaneStage stage{radix, rest / radix, extent / rest, {}, {}};
        const auto append_turn = [](std::vector<float>& to, double turn) {
            to.push_back(static_cast<float>(std::cos(2 * std::numbers::pi * turn)));
            to.push_back(static_cast<float>(-std::sin(2 * std::numbers::pi * turn)));
        };
        for (std::int64_t part = 0; part < stage.parts; ++part)
            for (std::int64_t k = 1; k < radix; ++k)
                append_turn(stage.twiddles, static_cast<double>(part * k) / static_cast<double>(rest));
        for (const bool sine : {false, true}) {
            for (std::int64_t k = 0; k < radix; ++k) {
                const double angle =
                    2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(radix);
                stage.roots.push_back(static_cast<float>(sine ? std::sin(angle) : std::cos(angle)));
            }
        }
        rest = stage.parts;
        stages.push_back(std::move(stage));
    }
    return stages;
}

}  // namespace

bool LaneFft::fits(const SignalShape& shape) {
    if (shape.rank < 2 || shape.size() == 0 || shape.spectrum_size() > kMostBins) return false;
    return std::all_of(shape.extent.begin(), shape.extent.begin() + shape.rank, [](std::int64_t extent) {
        return extent == 1 || (extent <= kMostExtent && !radices(extent).empty());
    });
}

LaneFft::LaneFft(const SignalShape& shape) : shape_(shape) {
    for (int axis = 0; axis < shape.rank; ++axis)
        axes_.push_back(stages_of(shape.extent[static_cast<std::size_t>(axis)]));
}

void LaneFft::forward(ThreadPool& pool, std::int64_t batch, const float* x, float scale, float mirrored,
                      Complex* y) const {
    const LaneBatch op{*this, batch, scale, mirrored, x, reinterpret_cast<float*>(y)};
    const std::int64_t images = HWY_DYNAMIC_DISPATCH(images_per_block)();
    pool.split((batch + images - 1) / images, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(forward_blocks)(op, begin, end);
    });
}

void LaneFft::backward(ThreadPool& pool, std::int64_t batch, const Complex* y, float scale, float mirrored,
                       float* x) const {
    const LaneBatch op{*this, batch, scale, mirrored, reinterpret_cast<const float*>(y), x};
    const std::int64_t images = HWY_DYNAMIC_DISPATCH(images_per_block)();
    pool.split((batch + images - 1) / images, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(backward_blocks)(op, begin, end);
    });
}

std::size_t LaneFft::bytes() const {
    std::size_t floats = 0;
    for (const std::vector<LaneStage>& stages : axes_)
        for (const LaneStage& stage : stages) floats += stage.twiddles.size() + stage.roots.size();
    return floats * sizeof(float);
}

std::vector<PlanInfo> LanePlans::list() const {
    std::vector<PlanInfo> result;
    for (const auto& [shape, plan, uses] : plans_)
        result.push_back({extents_text(shape.rank, shape.extent) + ", in vector lanes", plan->bytes(), uses});
    return result;
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

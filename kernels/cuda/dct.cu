// Cosine transforms by cuFFT, one axis at a time: a DCT of length n is the real transform of the samples in
// another order (Makhoul 1980, "A fast cosine transform in one and two dimensions"), each bin turned by a
// quarter of its frequency. Between two axes the last becomes the first, so that all end in their places.
#include <algorithm>

#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/dct.hpp"

namespace spectral::cuda {

namespace {

/// One axis: `signals` blocks of `lines` × n values, the axis last before and first after.
struct Axis {
    std::int64_t signals, lines, n;
    __host__ __device__ std::int64_t values() const { return signals * lines * n; }
    /// Where value i of line `row` of all lines comes to lie.
    __device__ std::int64_t turned(std::int64_t row, std::int64_t i) const {
        return (row / lines * n + i) * lines + row % lines;
    }
};

/// Even samples upwards, then odd ones downwards: where the sample at place i was.
__device__ __forceinline__ std::int64_t sample_at(std::int64_t i, std::int64_t n) {
    return 2 * i < n ? 2 * i : 2 * (n - 1 - i) + 1;
}

__device__ __forceinline__ float2 quarter_turn(std::int64_t k, std::int64_t n) {
    double sine = 0, cosine = 0;
    sincospi(static_cast<double>(k) / static_cast<double>(2 * n), &sine, &cosine);
    return make_float2(static_cast<float>(cosine), static_cast<float>(sine));
}

__device__ __forceinline__ double bin_scale(std::int64_t k, std::int64_t n) {
    return sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n));
}

__global__ void dct_order_kernel(Axis axis, const float* __restrict__ x, float* __restrict__ ordered) {
    for (std::int64_t i = global_thread(); i < axis.values(); i += global_threads())
        ordered[i] = x[i / axis.n * axis.n + sample_at(i % axis.n, axis.n)];
}

__global__ void dct_turn_kernel(Axis axis, const float2* __restrict__ spectrum, float* __restrict__ y) {
    const std::int64_t n = axis.n, bins = n / 2 + 1;
    for (std::int64_t i = global_thread(); i < axis.values(); i += global_threads()) {
        const std::int64_t row = i / n, k = i % n;
        const float2 turn = quarter_turn(k, n);
        // A bin above the middle is the conjugate of its mirror.
        const float2 bin = spectrum[row * bins + (k < bins ? k : n - k)];
        const float mirrored = k < bins ? bin.y : -bin.y;
        y[axis.turned(row, k)] = static_cast<float>(bin_scale(k, n)) * (bin.x * turn.x + mirrored * turn.y);
    }
}

/// The spectrum whose adjoint transform is the inverse: bins that have a mirror count twice.
__global__ void dct_turn_back_kernel(Axis axis, const float* __restrict__ y, float2* __restrict__ spectrum) {
    const std::int64_t n = axis.n, bins = n / 2 + 1, values = axis.signals * axis.lines * bins;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t row = i / bins, k = i % bins;
        const float2 turn = quarter_turn(k, n);
        const double weight = (k != 0 && 2 * k != n ? 2.0 : 1.0) / static_cast<double>(n);
        const auto a = static_cast<float>(weight / bin_scale(k, n)) * y[row * n + k];
        const auto b = k == 0 ? 0.0F : static_cast<float>(weight / bin_scale(n - k, n)) * y[row * n + n - k];
        spectrum[i] = make_float2(a * turn.x + b * turn.y, a * turn.y - b * turn.x);
    }
}

__global__ void dct_reorder_kernel(Axis axis, const float* __restrict__ ordered, float* __restrict__ x) {
    for (std::int64_t i = global_thread(); i < axis.values(); i += global_threads())
        x[axis.turned(i / axis.n, sample_at(i % axis.n, axis.n))] = ordered[i];
}

void run_dct(CudaBackend& backend, const Dct& op) {
    const std::int64_t size = op.shape.size(), values = op.batch * size;
    if (values == 0) return;
    Complex* spectrum = op.scratch;
    Complex* spare = spectrum + values + 1;
    auto* ordered = reinterpret_cast<float*>(spare + values + 1);
    const auto over = [&](auto* kernel, std::int64_t items, const Axis& axis, auto from, auto to) {
        launch(kernel, blocks_for(items, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(), axis,
               from, to);
    };
    const float* from = op.x;
    for (int each = op.shape.rank - 1; each >= 0; --each) {
        const std::int64_t n = op.shape.extent[static_cast<std::size_t>(each)];
        if (n == 1) continue;  // its transform is itself, and turning it changes no place
        const Axis axis{op.batch, size / n, n};
        const std::int64_t rows = axis.signals * axis.lines;
        const SignalShape line{1, {n, 1, 1}};
        if (op.inverse) {
            over(dct_turn_back_kernel, rows * line.spectrum_size(), axis, from, parts_of(spectrum));
            backend.run(RfftBackward{rows, line, spectrum, ordered, spare});
            over(dct_reorder_kernel, values, axis, static_cast<const float*>(ordered), op.y);
        } else {
            over(dct_order_kernel, values, axis, from, ordered);
            backend.run(Rfft{rows, line, ordered, spectrum});
            over(dct_turn_kernel, values, axis, parts_of(static_cast<const Complex*>(spectrum)), op.y);
        }
        from = op.y;
    }
    if (from == op.x) backend.copy_on_device(op.y, op.x, static_cast<std::size_t>(values) * sizeof(float));
}

}  // namespace

void add_dct(OpTable& table) {
    add<Dct, run_dct>(table, Level::tiled, "one axis at a time, each by a real transform of cuFFT");
}

}  // namespace spectral::cuda

// Real transforms of a batch by cuFFT, in parts where its work area would grow too large.
#include <algorithm>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cuda {

namespace {

/// Signals per execution: spectra of at most this many bytes, which bounds what cuFFT asks for beside them.
constexpr std::int64_t kBytesAtOnce = std::int64_t{256} << 20;

PlanKey key(const CudaBackend& backend, cufftType type, const SignalShape& shape, std::int64_t batch) {
    PlanKey result{backend.info().index, type, shape.rank, {1, 1, 1}, batch};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis)
        result.extent[axis] = shape.extent[axis];
    return result;
}

/// `body(first signal, plan handle)` for parts of the batch; the last may be smaller.
template <class Body>
void over_batch(CudaBackend& backend, cufftType type, const SignalShape& shape, std::int64_t batch,
                const Body& body) {
    if (batch == 0 || shape.size() == 0) return;
    const auto bytes = static_cast<std::int64_t>(sizeof(Complex)) * shape.spectrum_size();
    const std::int64_t part = std::clamp<std::int64_t>(kBytesAtOnce / bytes, 1, batch);
    for (std::int64_t first = 0; first < batch; first += part)
        body(first,
             backend.plans().get(key(backend, type, shape, std::min(part, batch - first))).handle.get());
}

void run_rfft(CudaBackend& backend, const Rfft& op) {
    over_batch(backend, CUFFT_R2C, op.shape, op.batch, [&](std::int64_t first, cufftHandle plan) {
        check(cufftExecR2C(plan, const_cast<float*>(op.x) + first * op.shape.size(),
                           reinterpret_cast<cufftComplex*>(op.y + first * op.shape.spectrum_size())),
              "transform");
    });
}

/// The inverse counts a bin with an implied mirror twice; the adjoint counts every stored bin once.
__global__ void halve_mirrored_kernel(std::int64_t values, std::int64_t last, const float2* __restrict__ dy,
                                      float2* __restrict__ y) {
    const std::int64_t bins = last / 2 + 1;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t f = i % bins;
        const float scale = f != 0 && 2 * f != last ? 0.5F : 1.0F;
        y[i] = make_float2(scale * dy[i].x, scale * dy[i].y);
    }
}

void run_rfft_backward(CudaBackend& backend, const RfftBackward& op) {
    const std::int64_t values = op.batch * op.shape.spectrum_size();
    if (values == 0) return;
    launch(halve_mirrored_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), values, op.shape.extent[static_cast<std::size_t>(op.shape.rank - 1)],
           reinterpret_cast<const float2*>(op.dy), reinterpret_cast<float2*>(op.scratch));
    over_batch(backend, CUFFT_C2R, op.shape, op.batch, [&](std::int64_t first, cufftHandle plan) {
        check(
            cufftExecC2R(plan, reinterpret_cast<cufftComplex*>(op.scratch + first * op.shape.spectrum_size()),
                         op.dx + first * op.shape.size()),
            "inverse transform");
    });
}

/// Magnitudes of every row, and zeros from there to its end.
__global__ void magnitude_rows_kernel(std::int64_t batch, std::int64_t bins, const float2* __restrict__ x,
                                      std::int64_t stride, float* __restrict__ y) {
    const std::int64_t values = batch * stride;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t b = i / stride, f = i % stride;
        float magnitude = 0;
        if (f < bins) {
            const float2 value = x[b * bins + f];
            magnitude = hypotf(value.x, value.y);
        }
        y[i] = magnitude;
    }
}

void run_rfft_magnitude(CudaBackend& backend, const RfftMagnitude& op) {
    const std::int64_t values = op.batch * op.y_stride;
    if (values == 0) return;
    backend.run(Rfft{op.batch, op.shape, op.x, op.scratch});
    launch(magnitude_rows_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0,
           backend.stream(), op.batch, op.shape.spectrum_size(), reinterpret_cast<const float2*>(op.scratch),
           op.y_stride, op.y);
}

}  // namespace

void add_fft(OpTable& table) {
    add<Rfft, run_rfft>(table, Level::tiled, "cuFFT, one plan for shape and batch");
    add<RfftBackward, run_rfft_backward>(table, Level::tiled, "scaled copy, then cuFFT's inverse");
    add<RfftMagnitude, run_rfft_magnitude>(table, Level::reference, "all spectra first, then all magnitudes");
}

}  // namespace spectral::cuda

// Real transforms of a batch by cuFFT, in parts where its work area would grow too large. cuFFT has ranks 1
// to 3: of a higher one it transforms the last three axes, then the spectra along each of the others in turn.
#include <algorithm>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cuda {

namespace {

/// Signals per execution: spectra of at most this many bytes, which bounds what cuFFT asks for beside them.
constexpr std::int64_t kBytesAtOnce = std::int64_t{256} << 20;

constexpr int kLibraryRank = 3;

/// The axes that one call of cuFFT transforms, and how many such signals one of the whole shape is.
struct InnerAxes {
    SignalShape shape;
    std::int64_t count = 1;

    explicit InnerAxes(const SignalShape& whole) {
        const int outer = std::max(whole.rank - kLibraryRank, 0);
        shape.rank = whole.rank - outer;
        for (int axis = 0; axis < whole.rank; ++axis) {
            const std::int64_t extent = whole.extent[static_cast<std::size_t>(axis)];
            if (axis < outer)
                count *= extent;
            else
                shape.extent[static_cast<std::size_t>(axis - outer)] = extent;
        }
    }
};

PlanKey key(const CudaBackend& backend, cufftType type, const SignalShape& shape, std::int64_t batch) {
    PlanKey result{backend.info().index, type, shape.rank, {1, 1, 1}, batch, 0};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis)
        result.extent[axis] = shape.extent[axis];
    return result;
}

/// The spectra of a batch along all axes but the last three, in place, a launch for each block of values
/// behind an axis.
void transform_outer_axes(CudaBackend& backend, const SignalShape& shape, std::int64_t batch, Complex* y,
                          int direction) {
    std::int64_t blocks = batch, inner = shape.spectrum_size();
    for (int axis = 0; axis < shape.rank - kLibraryRank && batch > 0 && inner > 0; ++axis) {
        const std::int64_t n = shape.extent[static_cast<std::size_t>(axis)];
        inner /= n;
        if (n > 1) {
            const PlanKey plan_key{backend.info().index, CUFFT_C2C, 1, {n, 1, 1}, inner, inner};
            const cufftHandle plan = backend.plans().get(plan_key).handle.get();
            for (std::int64_t block = 0; block < blocks; ++block) {
                auto* values = reinterpret_cast<cufftComplex*>(y + block * n * inner);
                check(cufftExecC2C(plan, values, values, direction), "transform");
            }
        }
        blocks *= n;
    }
}

/// `body(first signal, plan handle)` for parts of the batch; the last may be smaller.
template <class Body>
void over_batch(CudaBackend& backend, cufftType type, const SignalShape& shape, std::int64_t batch,
                const Body& body) {
    if (batch == 0 || shape.size() == 0) return;
    const auto bytes = static_cast<std::int64_t>(sizeof(Complex)) * shape.spectrum_size();
    // Parts of an even number of signals begin where complex values may: cuFFT asks that of real ones too.
    const std::int64_t part = std::min(std::max<std::int64_t>(kBytesAtOnce / bytes / 2 * 2, 1), batch);
    for (std::int64_t first = 0; first < batch; first += part)
        body(first,
             backend.plans().get(key(backend, type, shape, std::min(part, batch - first))).handle.get());
}

void run_rfft(CudaBackend& backend, const Rfft& op) {
    const auto [shape, count] = InnerAxes(op.shape);
    over_batch(backend, CUFFT_R2C, shape, op.batch * count, [&](std::int64_t first, cufftHandle plan) {
        check(cufftExecR2C(plan, const_cast<float*>(op.x) + first * shape.size(),
                           reinterpret_cast<cufftComplex*>(op.y + first * shape.spectrum_size())),
              "transform");
    });
    transform_outer_axes(backend, op.shape, op.batch, op.y, CUFFT_FORWARD);
}

/// Spectra to signals, unscaled; destroys the spectra.
void run_inverse(CudaBackend& backend, std::int64_t batch, const SignalShape& whole, Complex* y, float* x) {
    transform_outer_axes(backend, whole, batch, y, CUFFT_INVERSE);
    const auto [shape, count] = InnerAxes(whole);
    over_batch(backend, CUFFT_C2R, shape, batch * count, [&](std::int64_t first, cufftHandle plan) {
        check(cufftExecC2R(plan, reinterpret_cast<cufftComplex*>(y + first * shape.spectrum_size()),
                           x + first * shape.size()),
              "inverse transform");
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
    run_inverse(backend, op.batch, op.shape, op.scratch, op.dx);
}

/// y *= scale, times `mirrored` where the mirror of a bin is implied.
__global__ void scale_kernel(std::int64_t values, std::int64_t last, float scale, float mirrored, float2* y) {
    const std::int64_t bins = last / 2 + 1;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t f = i % bins;
        const float factor = f != 0 && 2 * f != last ? mirrored * scale : scale;
        y[i] = make_float2(factor * y[i].x, factor * y[i].y);
    }
}

void scale_spectra(CudaBackend& backend, std::int64_t batch, const SignalShape& shape, float mirrored,
                   Complex* y) {
    const std::int64_t values = batch * shape.spectrum_size();
    launch(scale_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           values, shape.extent[static_cast<std::size_t>(shape.rank - 1)],
           1 / static_cast<float>(shape.size()), mirrored, reinterpret_cast<float2*>(y));
}

void run_irfft(CudaBackend& backend, const Irfft& op) {
    if (op.batch * op.shape.spectrum_size() == 0) return;
    scale_spectra(backend, op.batch, op.shape, 1, op.y);
    run_inverse(backend, op.batch, op.shape, op.y, op.x);
}

void run_irfft_backward(CudaBackend& backend, const IrfftBackward& op) {
    if (op.batch * op.shape.spectrum_size() == 0) return;
    run_rfft(backend, {op.batch, op.shape, op.dx, op.dy});
    scale_spectra(backend, op.batch, op.shape, 2, op.dy);
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
    add<Irfft, run_irfft>(table, Level::tiled, "scaled in place, then cuFFT's inverse");
    add<IrfftBackward, run_irfft_backward>(table, Level::tiled, "cuFFT, then scaled in place");
    add<RfftMagnitude, run_rfft_magnitude>(table, Level::reference, "all spectra first, then all magnitudes");
}

}  // namespace spectral::cuda

// Mixing by Fourier transforms: the half spectra, then the real parts of all of them.
#include <cmath>

#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/fourier_mix.hpp"

namespace spectral::cuda {

namespace {

/// Of a real array Re X[u,v] = Re X[−u,−v], which gives the columns that are not stored.
__global__ void real_parts_kernel(std::int64_t values, std::int64_t rows, std::int64_t columns, float scale,
                                  const float2* __restrict__ spectra, float* __restrict__ y) {
    const std::int64_t bins = columns / 2 + 1;
    for (std::int64_t i = global_thread(); i < values; i += global_threads()) {
        const std::int64_t v = i % columns, u = i / columns % rows, b = i / columns / rows;
        const bool stored = v < bins;
        const std::int64_t row = stored ? u : (rows - u) % rows, column = stored ? v : columns - v;
        y[i] = scale * spectra[(b * rows + row) * bins + column].x;
    }
}

void run_fourier_mix(CudaBackend& backend, const FourierMix& op) {
    const std::int64_t size = op.rows * op.columns, values = op.batch * size;
    if (values == 0) return;
    backend.run(Rfft{op.batch, {2, {op.rows, op.columns}}, op.x, op.scratch});
    launch(real_parts_kernel, blocks_for(values, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           values, op.rows, op.columns, static_cast<float>(1 / std::sqrt(static_cast<double>(size))),
           parts_of(op.scratch), op.y);
}

}  // namespace

void add_fourier_mix(OpTable& table) {
    add<FourierMix, run_fourier_mix>(table, Level::tiled, "cuFFT, then a thread per real part");
}

}  // namespace spectral::cuda

// Convolution: directly with a thread for each value, and in tiles by cuFFT, two real tiles in each complex
// one.
#include <algorithm>

#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/extents.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/ops/convolution.hpp"

namespace spectral::cuda {

namespace {

/// A shape as kernels read it.
struct Arrays {
    Extents input, kernel, output, before;
    std::int64_t images, in_channels, out_channels;
    bool flipped, swapped;

    explicit Arrays(const ConvolutionShape& s)
        : input(s.rank, s.input.data(), 1),
          kernel(s.rank, s.kernel.data(), 1),
          output(s.rank, s.output.data(), 1),
          before(s.rank, s.before.data(), 0),
          images(s.images),
          in_channels(s.in_channels),
          out_channels(s.out_channels),
          flipped(s.flipped),
          swapped(s.swapped) {}

    __device__ std::int64_t kernel_place(std::int64_t o, std::int64_t c) const {
        return (swapped ? c * out_channels + o : o * in_channels + c) * kernel.size();
    }
    /// x of one image and channel, zero outside.
    __device__ float sample(const float* image, std::int64_t z, std::int64_t y, std::int64_t x) const {
        const bool inside = z >= 0 && z < input.z && y >= 0 && y < input.y && x >= 0 && x < input.x;
        return inside ? image[(z * input.y + y) * input.x + x] : 0.0F;
    }
};

__global__ void convolve_kernel(Arrays s, const float* __restrict__ x, const float* __restrict__ w,
                                const float* __restrict__ bias, float* __restrict__ y) {
    const std::int64_t out = s.output.size(), size = s.kernel.size();
    for (std::int64_t at = global_thread(); at < s.images * s.out_channels * out; at += global_threads()) {
        const std::int64_t o = at / out % s.out_channels, n = at / out / s.out_channels;
        const Place i = place_in(s.output, at % out);
        float sum = bias ? bias[o] : 0;
        for (std::int64_t c = 0; c < s.in_channels; ++c) {
            const float* image = x + (n * s.in_channels + c) * s.input.size();
            const float* weights = w + s.kernel_place(o, c);
            float of_channel = 0;
            for (std::int64_t p = 0; p < size; ++p) {
                const Place k = place_in(s.kernel, p);
                of_channel +=
                    weights[s.flipped ? size - 1 - p : p] *
                    s.sample(image, i.z + k.z - s.before.z, i.y + k.y - s.before.y, i.x + k.x - s.before.x);
            }
            sum += of_channel;
        }
        y[at] = sum;
    }
}

/// A block for every value of the kernels: its threads' shares of the images, then these in their order.
__global__ void weight_gradient_kernel(Arrays s, const float* __restrict__ x, const float* __restrict__ dy,
                                       float* __restrict__ dw) {
    __shared__ float partial[kBlock / kWarp];
    const std::int64_t out = s.output.size(), size = s.kernel.size();
    for (std::int64_t at = blockIdx.x; at < s.out_channels * s.in_channels * size; at += gridDim.x) {
        const std::int64_t p = at % size, c = at / size % s.in_channels, o = at / size / s.in_channels;
        const Place k = place_in(s.kernel, p);
        float sum = 0;
        for (std::int64_t j = threadIdx.x; j < s.images * out; j += kBlock) {
            const std::int64_t n = j / out;
            const Place i = place_in(s.output, j % out);
            sum += dy[(n * s.out_channels + o) * out + j % out] *
                   s.sample(x + (n * s.in_channels + c) * s.input.size(), i.z + k.z - s.before.z,
                            i.y + k.y - s.before.y, i.x + k.x - s.before.x);
        }
        sum = block_sum<kBlock>(sum, partial);
        if (threadIdx.x == 0) dw[s.kernel_place(o, c) + (s.flipped ? size - 1 - p : p)] = sum;
    }
}

/// A block for every channel of the output.
__global__ void bias_gradient_kernel(Arrays s, const float* __restrict__ dy, float* __restrict__ dbias) {
    __shared__ float partial[kBlock / kWarp];
    const std::int64_t out = s.output.size();
    for (std::int64_t o = blockIdx.x; o < s.out_channels; o += gridDim.x) {
        float sum = 0;
        for (std::int64_t j = threadIdx.x; j < s.images * out; j += kBlock)
            sum += dy[(j / out * s.out_channels + o) * out + j % out];
        sum = block_sum<kBlock>(sum, partial);
        if (threadIdx.x == 0) dbias[o] = sum;
    }
}

/// Every kernel at the beginning of its tile.
__global__ void place_kernels_kernel(Arrays s, Extents tile, const float* __restrict__ w, float2* spectrum) {
    const std::int64_t size = tile.size();
    for (std::int64_t at = global_thread(); at < s.out_channels * s.in_channels * size;
         at += global_threads()) {
        const std::int64_t o = at / size / s.in_channels, c = at / size % s.in_channels;
        const Place k = place_in(tile, at % size);
        float value = 0;
        if (k.z < s.kernel.z && k.y < s.kernel.y && k.x < s.kernel.x) {
            const std::int64_t p = (k.z * s.kernel.y + k.y) * s.kernel.x + k.x;
            value = w[s.kernel_place(o, c) + (s.flipped ? s.kernel.size() - 1 - p : p)];
        }
        spectrum[at] = make_float2(value, 0);
    }
}

__global__ void conjugate_kernel(std::int64_t size, float scale, float2* values) {
    for (std::int64_t i = global_thread(); i < size; i += global_threads())
        values[i] = make_float2(scale * values[i].x, -scale * values[i].y);
}

/// How the output is cut, and which pairs of tiles are worked on.
struct Cut {
    Extents tile, step, count;
    std::int64_t tiles, first_pair, pairs;
};

struct TilePlace {
    std::int64_t image;
    Place first;
};

__device__ __forceinline__ TilePlace tile_place(const Cut& cut, std::int64_t tile) {
    const Place at = place_in(cut.count, tile % cut.count.size());
    return {tile / cut.count.size(), {at.z * cut.step.z, at.y * cut.step.y, at.x * cut.step.x}};
}

/// Pairs × in_channels × tile.
__global__ void read_tiles_kernel(Arrays s, Cut cut, const float* __restrict__ x, float2* __restrict__ z) {
    const std::int64_t size = cut.tile.size();
    for (std::int64_t at = global_thread(); at < cut.pairs * s.in_channels * size; at += global_threads()) {
        const std::int64_t c = at / size % s.in_channels, pair = cut.first_pair + at / size / s.in_channels;
        const Place k = place_in(cut.tile, at % size);
        float values[2] = {0, 0};
        for (int part = 0; part < 2; ++part) {
            if (2 * pair + part >= cut.tiles) continue;
            const TilePlace tile = tile_place(cut, 2 * pair + part);
            values[part] = s.sample(x + (tile.image * s.in_channels + c) * s.input.size(),
                                    tile.first.z + k.z - s.before.z, tile.first.y + k.y - s.before.y,
                                    tile.first.x + k.x - s.before.x);
        }
        z[at] = make_float2(values[0], values[1]);
    }
}

/// Pairs × out_channels × tile: Σ_c z·spectrum.
__global__ void mix_channels_kernel(Arrays s, Cut cut, const float2* __restrict__ z,
                                    const float2* __restrict__ spectrum, float2* __restrict__ y) {
    const std::int64_t size = cut.tile.size();
    for (std::int64_t at = global_thread(); at < cut.pairs * s.out_channels * size; at += global_threads()) {
        const std::int64_t i = at % size, o = at / size % s.out_channels, pair = at / size / s.out_channels;
        float2 sum = make_float2(0, 0);
        for (std::int64_t c = 0; c < s.in_channels; ++c) {
            const float2 product = multiply(z[(pair * s.in_channels + c) * size + i],
                                            spectrum[(o * s.in_channels + c) * size + i]);
            sum = make_float2(sum.x + product.x, sum.y + product.y);
        }
        y[at] = sum;
    }
}

__global__ void write_tiles_kernel(Arrays s, Cut cut, const float2* __restrict__ z, float* __restrict__ y) {
    const std::int64_t size = cut.tile.size(), kept = cut.step.size();
    for (std::int64_t at = global_thread(); at < cut.pairs * s.out_channels * kept; at += global_threads()) {
        const std::int64_t o = at / kept % s.out_channels, pair = at / kept / s.out_channels;
        const Place k = place_in(cut.step, at % kept);
        const float2 value =
            z[(pair * s.out_channels + o) * size + (k.z * cut.tile.y + k.y) * cut.tile.x + k.x];
        for (int part = 0; part < 2; ++part) {
            const std::int64_t index = 2 * (cut.first_pair + pair) + part;
            if (index >= cut.tiles) continue;
            const TilePlace tile = tile_place(cut, index);
            const Place i{tile.first.z + k.z, tile.first.y + k.y, tile.first.x + k.x};
            if (i.z >= s.output.z || i.y >= s.output.y || i.x >= s.output.x) continue;
            y[(tile.image * s.out_channels + o) * s.output.size() + (i.z * s.output.y + i.y) * s.output.x +
              i.x] = part == 0 ? value.x : value.y;
        }
    }
}

void transform(CudaBackend& backend, const SignalShape& tile, std::int64_t batch, Complex* values,
               int direction) {
    PlanKey key{backend.info().index, CUFFT_C2C, tile.rank, {1, 1, 1}, batch, 0};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(tile.rank); ++axis)
        key.extent[axis] = tile.extent[axis];
    auto* data = reinterpret_cast<cufftComplex*>(values);
    check(cufftExecC2C(backend.plans().get(key).handle.get(), data, data, direction), "transform of tiles");
}

template <class Kernel, class... Arguments>
void launch_over(CudaBackend& backend, std::int64_t items, Kernel kernel, const Arguments&... arguments) {
    launch(kernel, blocks_for(items, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           arguments...);
}

void run_direct(CudaBackend& backend, const Convolve& op) {
    const std::int64_t values = op.shape.images * op.shape.out_channels * op.shape.output_size();
    if (values == 0) return;
    launch_over(backend, values, convolve_kernel, Arrays(op.shape), op.x, op.w, op.bias, op.y);
}

void run_bias_gradient(CudaBackend& backend, const ConvolveWeightGradient& op) {
    if (op.dbias != nullptr && op.shape.out_channels > 0)
        launch(bias_gradient_kernel, blocks_for(op.shape.out_channels, 1, backend.most_blocks()), kBlock, 0,
               backend.stream(), Arrays(op.shape), op.dy, op.dbias);
}

void run_weight_gradient(CudaBackend& backend, const ConvolveWeightGradient& op) {
    const Arrays s(op.shape);
    const std::int64_t weights = s.out_channels * s.in_channels * s.kernel.size();
    if (weights > 0)
        launch(weight_gradient_kernel, blocks_for(weights, 1, backend.most_blocks()), kBlock, 0,
               backend.stream(), s, op.x, op.dy, op.dw);
    run_bias_gradient(backend, op);
}

/// What the library has not is summed by the kernels here.
void run_by_library(CudaBackend& backend, const Convolve& op) {
    if (!backend.convolutions()->run(op)) run_direct(backend, op);
}

void run_gradient_by_library(CudaBackend& backend, const ConvolveWeightGradient& op) {
    if (backend.convolutions()->run(op))
        run_bias_gradient(backend, op);
    else
        run_weight_gradient(backend, op);
}

void run_spectrum(CudaBackend& backend, const ConvolutionSpectrum& op) {
    const std::int64_t kernels = op.shape.out_channels * op.shape.in_channels, size = op.tile.size();
    if (kernels == 0) return;
    const Extents tile(op.tile.rank, op.tile.extent.data(), 1);
    launch_over(backend, kernels * size, place_kernels_kernel, Arrays(op.shape), tile, op.w,
                parts_of(op.spectrum));
    transform(backend, op.tile, kernels, op.spectrum, CUFFT_FORWARD);
    launch_over(backend, kernels * size, conjugate_kernel, kernels * size, 1 / static_cast<float>(size),
                parts_of(op.spectrum));
}

void run_tiled(CudaBackend& backend, const TiledConvolve& op) {
    const ConvolutionShape& shape = op.shape;
    const std::int64_t values = shape.images * shape.out_channels * shape.output_size();
    if (values == 0) return;
    const Arrays s(shape);
    const ConvolutionTiles tiles(shape, op.tile);
    const std::int64_t pairs = TiledConvolve::pairs(shape, op.tile),
                       parts = TiledConvolve::parts(shape, op.tile, backend.threads()), size = op.tile.size();
    Cut cut{Extents(op.tile.rank, op.tile.extent.data(), 1),
            Extents(shape.rank, tiles.step.data(), 1),
            Extents(shape.rank, tiles.count.data(), 1),
            shape.images * tiles.of_image(),
            0,
            parts};
    Complex* spectra = op.scratch;
    Complex* results = spectra + parts * shape.in_channels * size;
    // A last round of fewer pairs does as many: what is beyond the last tile reads zeros and writes nothing.
    for (; cut.first_pair < pairs; cut.first_pair += parts) {
        if (shape.in_channels > 0) {
            launch_over(backend, parts * shape.in_channels * size, read_tiles_kernel, s, cut, op.x,
                        parts_of(spectra));
            transform(backend, op.tile, parts * shape.in_channels, spectra, CUFFT_FORWARD);
        }
        launch_over(backend, parts * shape.out_channels * size, mix_channels_kernel, s, cut,
                    parts_of(spectra), parts_of(op.spectrum), parts_of(results));
        transform(backend, op.tile, parts * shape.out_channels, results, CUFFT_INVERSE);
        launch_over(backend, parts * shape.out_channels * tiles.step[0] * tiles.step[1] * tiles.step[2],
                    write_tiles_kernel, s, cut, parts_of(results), op.y);
    }
}

}  // namespace

void add_convolution(OpTable& table) {
    add<Convolve, run_direct>(table, Level::fused, "a thread per value, the channels in their order");
    add<ConvolveWeightGradient, run_weight_gradient>(table, Level::fused,
                                                     "a block per value of the kernels, images in order");
    add<ConvolutionSpectrum, run_spectrum>(table, Level::tiled, "cuFFT over all kernels at once");
    add<TiledConvolve, run_tiled>(table, Level::tiled,
                                  "cuFFT over many tiles at once, two real ones in each complex one");
}

void add_library_convolution(OpTable& table) {
    add<Convolve, run_by_library>(table, Level::tiled, "cuDNN in float32; what it has not, as at level 2");
    add<ConvolveWeightGradient, run_gradient_by_library>(
        table, Level::tiled, "cuDNN in float32, always in the same order; what it has not, as at level 2");
}

}  // namespace spectral::cuda

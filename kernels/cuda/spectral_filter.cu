// Filters between channels of spectra, their adjoint, and the gradient of the filters.
#include "kernels/cuda/complex.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/spectral_filter.hpp"

namespace spectral::cuda {

namespace {

/// Bins along x, so that a warp reads neighbours; sample and channel along y.
constexpr unsigned kMostRows = 16384;

/// y[b,o,f] = Σ_i x[b,i,f]·w[o,i,f] over a group's `inputs` and `outputs`; w has `w_input` values from one
/// input to the next and `w_output` from one output to the next, `w_group` from one group to the next.
struct ChannelSums {
    std::int64_t rows, groups, inputs, outputs, bins, w_input, w_output, w_group;
};

template <bool kConjugate>
__global__ void filter_kernel(ChannelSums s, const float2* __restrict__ x, const float2* __restrict__ w,
                              float2* __restrict__ y) {
    for (std::int64_t f = global_thread(); f < s.bins; f += global_threads()) {
        for (std::int64_t row = blockIdx.y; row < s.rows; row += gridDim.y) {
            const std::int64_t o = row % s.outputs, group = row / s.outputs, g = group % s.groups;
            const float2* from = x + group * s.inputs * s.bins + f;
            const float2* weight = w + g * s.w_group + o * s.w_output + f;
            float2 sum = make_float2(0, 0);
            for (std::int64_t i = 0; i < s.inputs; ++i) {
                const float2 factor = weight[i * s.w_input];
                const float2 term = multiply(from[i * s.bins], kConjugate ? conjugate(factor) : factor);
                sum = make_float2(sum.x + term.x, sum.y + term.y);
            }
            y[row * s.bins + f] = sum;
        }
    }
}

__global__ void filter_gradient_kernel(SpectralFilterShape s, bool accumulate, const float2* __restrict__ x,
                                       const float2* __restrict__ dy, float2* __restrict__ dw) {
    const std::int64_t inputs = s.in_channels / s.groups, outputs = s.out_channels / s.groups;
    for (std::int64_t f = global_thread(); f < s.bins; f += global_threads()) {
        for (std::int64_t filter = blockIdx.y; filter < s.out_channels * inputs; filter += gridDim.y) {
            const std::int64_t o = filter / inputs, i = o / outputs * inputs + filter % inputs;
            float2 sum = accumulate ? dw[filter * s.bins + f] : make_float2(0, 0);
            for (std::int64_t b = 0; b < s.batch; ++b) {
                const float2 term = multiply(conjugate(x[(b * s.in_channels + i) * s.bins + f]),
                                             dy[(b * s.out_channels + o) * s.bins + f]);
                sum = make_float2(sum.x + term.x, sum.y + term.y);
            }
            dw[filter * s.bins + f] = sum;
        }
    }
}

dim3 grid_for(const CudaBackend& backend, std::int64_t bins, std::int64_t rows) {
    return dim3(blocks_for(bins, kBlock, backend.most_blocks()), blocks_for(rows, 1, kMostRows));
}

void run_filter(CudaBackend& backend, const SpectralFilter& op) {
    const SpectralFilterShape& s = op.shape;
    if (s.output_size() == 0) return;
    const std::int64_t in = s.group_inputs(), out = s.group_outputs();
    const ChannelSums sums{s.batch * s.out_channels, s.groups, in, out, s.bins, s.bins, in * s.bins,
                           out * in * s.bins};
    launch(filter_kernel<false>, grid_for(backend, s.bins, sums.rows), kBlock, 0, backend.stream(), sums,
           parts_of(op.x), parts_of(op.w), parts_of(op.y));
}

void run_filter_backward(CudaBackend& backend, const SpectralFilterBackward& op) {
    const SpectralFilterShape& s = op.shape;
    if (s.input_size() == 0) return;
    const std::int64_t in = s.group_inputs(), out = s.group_outputs();
    const ChannelSums sums{s.batch * s.in_channels, s.groups, out, in, s.bins, in * s.bins, s.bins,
                           out * in * s.bins};
    launch(filter_kernel<true>, grid_for(backend, s.bins, sums.rows), kBlock, 0, backend.stream(), sums,
           parts_of(op.dy), parts_of(op.w), parts_of(op.dx));
}

void run_filter_gradient(CudaBackend& backend, const SpectralFilterGradient& op) {
    const SpectralFilterShape& s = op.shape;
    if (s.weight_size() == 0) return;
    launch(filter_gradient_kernel, grid_for(backend, s.bins, s.out_channels * s.group_inputs()), kBlock, 0,
           backend.stream(), s, op.accumulate, parts_of(op.x), parts_of(op.dy), parts_of(op.dw));
}

}  // namespace

void add_spectral_filter(OpTable& table) {
    constexpr const char* kPerValue = "a thread per bin and output, the channels in order";
    add<SpectralFilter, run_filter>(table, Level::fused, kPerValue);
    add<SpectralFilterBackward, run_filter_backward>(table, Level::fused, kPerValue);
    add<SpectralFilterGradient, run_filter_gradient>(table, Level::fused,
                                                     "a thread per weight, the batch in order");
}

}  // namespace spectral::cuda

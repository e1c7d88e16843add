// Pooling: a thread per window, and of the gradients a thread per sample, which asks the windows around it.
#include "kernels/cuda/extents.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.hpp"
#include "kernels/ops/pooling.hpp"

namespace spectral::cuda {

namespace {

/// A shape as kernels read it.
struct Windows {
    Extents input, window, stride, output;
    std::int64_t planes;

    explicit Windows(const PoolShape& s)
        : input(s.rank, s.input.data(), 1),
          window(s.rank, s.window.data(), 1),
          stride(s.rank, s.stride.data(), 1),
          output(s.rank, s.output().data(), 1),
          planes(s.planes) {}

    /// Which value of its plane a window has at place p.
    __device__ std::int64_t sample(const Place& i, std::int64_t p) const {
        const Place k = place_in(window, p);
        return ((i.z * stride.z + k.z) * input.y + i.y * stride.y + k.y) * input.x + i.x * stride.x + k.x;
    }
};

__global__ void max_kernel(Windows w, const float* __restrict__ x, float* __restrict__ y,
                           std::uint32_t* __restrict__ places) {
    const std::int64_t out = w.output.size(), size = w.window.size();
    for (std::int64_t at = global_thread(); at < w.planes * out; at += global_threads()) {
        const float* plane = x + at / out * w.input.size();
        const Place i = place_in(w.output, at % out);
        std::int64_t place = w.sample(i, 0);
        for (std::int64_t p = 1; p < size; ++p) {
            const std::int64_t other = w.sample(i, p);
            if (plane[other] > plane[place]) place = other;
        }
        y[at] = plane[place];
        if (places) places[at] = static_cast<std::uint32_t>(place);
    }
}

__global__ void average_kernel(Windows w, float share, const float* __restrict__ x, float* __restrict__ y) {
    const std::int64_t out = w.output.size(), size = w.window.size();
    for (std::int64_t at = global_thread(); at < w.planes * out; at += global_threads()) {
        const float* plane = x + at / out * w.input.size();
        const Place i = place_in(w.output, at % out);
        float sum = 0;
        for (std::int64_t p = 0; p < size; ++p) sum += plane[w.sample(i, p)];
        y[at] = share * sum;
    }
}

/// Windows first … last − 1 along an axis contain sample j.
struct Span {
    std::int64_t first, last;
};

__device__ __forceinline__ Span windows_of(std::int64_t j, std::int64_t window, std::int64_t stride,
                                           std::int64_t output) {
    const std::int64_t after = j / stride + 1;
    return {j < window ? 0 : (j - window) / stride + 1, after < output ? after : output};
}

/// `places` null: every window gives its share, else those whose largest value this is all they have.
__global__ void gradient_kernel(Windows w, float share, const std::uint32_t* __restrict__ places,
                                const float* __restrict__ dy, float* __restrict__ dx) {
    const std::int64_t in = w.input.size(), out = w.output.size();
    for (std::int64_t at = global_thread(); at < w.planes * in; at += global_threads()) {
        const std::int64_t plane = at / in * out, place = at % in;
        const Place j = place_in(w.input, place);
        const Span z = windows_of(j.z, w.window.z, w.stride.z, w.output.z),
                   y = windows_of(j.y, w.window.y, w.stride.y, w.output.y),
                   x = windows_of(j.x, w.window.x, w.stride.x, w.output.x);
        float sum = 0;
        for (std::int64_t a = z.first; a < z.last; ++a)
            for (std::int64_t b = y.first; b < y.last; ++b)
                for (std::int64_t c = x.first; c < x.last; ++c) {
                    const std::int64_t i = plane + (a * w.output.y + b) * w.output.x + c;
                    if (!places || places[i] == place) sum += dy[i];
                }
        dx[at] = share * sum;
    }
}

template <class Kernel, class... Arguments>
void launch_over(CudaBackend& backend, std::int64_t items, Kernel kernel, const Arguments&... arguments) {
    if (items == 0) return;
    launch(kernel, blocks_for(items, kBlock, backend.most_blocks()), kBlock, 0, backend.stream(),
           arguments...);
}

float share_of(const PoolShape& shape) { return 1 / static_cast<float>(shape.window_size()); }

void run_max(CudaBackend& backend, const MaxPool& op) {
    launch_over(backend, op.shape.planes * op.shape.output_size(), max_kernel, Windows(op.shape), op.x, op.y,
                op.place);
}

void run_max_backward(CudaBackend& backend, const MaxPoolBackward& op) {
    launch_over(backend, op.shape.planes * op.shape.input_size(), gradient_kernel, Windows(op.shape), 1.0F,
                op.place, op.dy, op.dx);
}

void run_average(CudaBackend& backend, const AveragePool& op) {
    launch_over(backend, op.shape.planes * op.shape.output_size(), average_kernel, Windows(op.shape),
                share_of(op.shape), op.x, op.y);
}

void run_average_backward(CudaBackend& backend, const AveragePoolBackward& op) {
    launch_over(backend, op.shape.planes * op.shape.input_size(), gradient_kernel, Windows(op.shape),
                share_of(op.shape), static_cast<const std::uint32_t*>(nullptr), op.dy, op.dx);
}

}  // namespace

void add_pooling(OpTable& table) {
    constexpr auto kForward = "a thread per window", kBackward = "a thread per sample, its windows in order";
    add<MaxPool, run_max>(table, Level::fused, kForward);
    add<MaxPoolBackward, run_max_backward>(table, Level::fused, kBackward);
    add<AveragePool, run_average>(table, Level::fused, kForward);
    add<AveragePoolBackward, run_average_backward>(table, Level::fused, kBackward);
}

}  // namespace spectral::cuda

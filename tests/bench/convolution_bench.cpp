// Convolution of a 512 × 512 image of one channel by kernels of growing size: in tiles with the kernel's
// spectrum kept, and directly. Two threads. peers/convolution_torch.py measures PyTorch on the same sizes.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/core/random.hpp"
#include "engine/spectral/convolution.hpp"

namespace spectral {
namespace {

Tensor normal(Device device, const Shape& shape, std::uint64_t seed) {
    Random random(seed);
    HostTensor host{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    for (float& value : host.values) value = static_cast<float>(random.normal());
    Tensor tensor(device, MemoryTag::data, shape, "benchmark");
    tensor.assign(device.backend, host);
    return tensor;
}

/// Arguments: extent of the kernel, channels.
void convolve(benchmark::State& state, ConvolutionRoute route) {
    const auto backend = open_backend("cpu", 2);
    MemoryBudget budget;
    const Device device{*backend, budget};
    const std::int64_t side = 512, kernel = state.range(0), channels = state.range(1);
    const Tensor x = normal(device, {1, channels, side, side}, 1),
                 w = normal(device, {channels, channels, kernel, kernel}, 2);
    Convolution convolution(device, w, Padding::same, KernelOrder::correlation, route);
    const Tensor y = convolution(x);
    for (auto _ : state) convolution.run(x, y);
    const ConvolutionShape shape =
        convolution_shape(x.shape(), w.shape(), Padding::same, KernelOrder::correlation);
    state.counters["chosen"] = convolution_route(shape) == route ? 1 : 0;
    const SignalShape tile = convolution_tile(shape);
    state.SetLabel(std::to_string(tile.extent[0]) + " × " + std::to_string(tile.extent[1]));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    for (const std::int64_t kernel : {3, 5, 7, 9, 11, 15, 21, 31}) benchmark->Args({kernel, 1});
    for (const std::int64_t kernel : {3, 7, 9, 15, 31}) benchmark->Args({kernel, 16});
    benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(convolve, tiles, ConvolutionRoute::tiles)->Apply(sizes);
BENCHMARK_CAPTURE(convolve, direct, ConvolutionRoute::direct)->Apply(sizes);

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

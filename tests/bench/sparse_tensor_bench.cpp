// A matrix to a sparse spectral tensor and back: the time of the reference package is what it is held to.
#include <benchmark/benchmark.h>

#include "engine/core/random.hpp"
#include "engine/spectral/sparse_tensor.hpp"

namespace spectral {
namespace {

constexpr double kDensity = 0.05;

/// Argument: side of the matrix.
void compress_and_reconstruct(benchmark::State& state) {
    const auto backend = open_backend("cpu");
    MemoryBudget budget;
    const Device device{*backend, budget};
    const std::int64_t side = state.range(0);
    Random random(1);
    HostTensor host{{side, side}, std::vector<float>(static_cast<std::size_t>(side * side))};
    for (float& value : host.values) value = static_cast<float>(random.normal());
    Tensor dense(device, MemoryTag::data, host.shape, "benchmark");
    dense.assign(*backend, host);
    for (auto _ : state) {
        const auto sparse = SparseSpectralTensor::from_dense(device, dense, {Keep::By::density, kDensity});
        benchmark::DoNotOptimize(sparse.to_dense(device).data());
    }
}

BENCHMARK(compress_and_reconstruct)->Arg(512)->Arg(1024)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

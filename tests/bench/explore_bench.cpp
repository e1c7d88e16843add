// One move of the density slider of the Compression page, without painting: rank once, then mark, unpack,
// transform back and reduce to pictures.
#include <benchmark/benchmark.h>

#include <cmath>

#include "engine/compress/tensor_explorer.hpp"
#include "engine/core/own_device.hpp"
#include "engine/core/random.hpp"

namespace spectral {
namespace {

void BM_Look(benchmark::State& state, const char* method) {
    MemoryBudget budget;
    const OwnDevice device("cpu", budget);
    const std::int64_t side = state.range(0);
    Random random(1);
    HostTensor dense{Shape{side, side}, std::vector<float>(static_cast<std::size_t>(side * side))};
    for (float& value : dense.values) value = static_cast<float>(random.normal());
    const TensorExplorer explorer(device.get(), std::make_shared<const HostTensor>(std::move(dense)), method);
    const double density = 1e-3 * static_cast<double>(state.range(1));
    for (auto _ : state) benchmark::DoNotOptimize(explorer.look(density));
}

void rates(benchmark::internal::Benchmark* bench) {
    bench->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
    for (const std::int64_t permille : {5, 50, 500}) bench->Args({1024, permille});
}

BENCHMARK_CAPTURE(BM_Look, fft, "fft")->Apply(rates);
BENCHMARK_CAPTURE(BM_Look, fft_int4, "fft-int4")->Apply(rates);
BENCHMARK_CAPTURE(BM_Look, dct, "dct")->Apply(rates);
BENCHMARK_CAPTURE(BM_Look, magnitude, "magnitude")->Apply(rates);
BENCHMARK_CAPTURE(BM_Look, svd, "svd")->Apply(rates);
BENCHMARK_CAPTURE(BM_Look, int8, "int8")->Apply(rates);

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

// One move of the density slider of the Compression page, without painting, by every method: rank once, then
// mark, unpack, transform back and reduce to pictures.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/compress/tensor_explorer.hpp"
#include "engine/core/own_device.hpp"
#include "engine/core/random.hpp"

namespace spectral {
namespace {

void look(benchmark::State& state, const std::string& method) {
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

}  // namespace
}  // namespace spectral

int main(int argc, char** argv) {
    for (const spectral::Method& each : spectral::method_registry()) {
        auto* bench = benchmark::RegisterBenchmark(("look/" + each.name).c_str(), spectral::look, each.name);
        bench->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
        for (const std::int64_t permille : {5, 50, 500, 1000}) bench->Args({1024, permille});
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

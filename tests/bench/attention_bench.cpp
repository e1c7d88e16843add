// Attention of 4 × 8 heads of 64 values, forward and backward, and layer norm with GELU of (2048, 512), on
// two threads. peers/attention_torch.py measures PyTorch on the same in turn.
#include <benchmark/benchmark.h>

#include "engine/core/random.hpp"
#include "engine/nn/tiled_attention.hpp"
#include "kernels/ops/layer_norm.hpp"

namespace spectral {
namespace {

struct Bench {
    std::unique_ptr<Backend> backend = open_backend("cpu", 2);
    MemoryBudget budget;
    Device device{*backend, budget};

    Tensor normal(const Shape& shape, std::uint64_t seed) {
        Random random(seed);
        HostTensor host{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
        for (float& value : host.values) value = static_cast<float>(random.normal());
        Tensor tensor(device, MemoryTag::data, shape, "benchmark");
        tensor.assign(*backend, host);
        return tensor;
    }
};

/// Arguments: sequence, whether causal.
void attention(benchmark::State& state) {
    Bench bench;
    const std::int64_t sequence = state.range(0);
    const Shape shape{4, 8, sequence, 64};
    const Tensor q = bench.normal(shape, 1), k = bench.normal(shape, 2), v = bench.normal(shape, 3);
    const std::size_t held = bench.budget.total().current;
    AttentionPlan plan =
        prepare_attention(bench.device, q, k, v, optimize_tiling(bench.device, sequence, 4, 8, 64));
    const AttentionMask mask{.causal = state.range(1) != 0};
    for (auto _ : state) benchmark::DoNotOptimize(compute_attention(plan, mask).data());
    state.counters["extra_MB"] = 1e-6 * static_cast<double>(bench.budget.total().peak - held);
    state.counters["tile"] = static_cast<double>(plan.tile().queries);
}

void attention_backward(benchmark::State& state) {
    Bench bench;
    const std::int64_t sequence = state.range(0);
    const Shape shape{4, 8, sequence, 64};
    const Tensor q = bench.normal(shape, 1), k = bench.normal(shape, 2), v = bench.normal(shape, 3),
                 dy = bench.normal(shape, 4);
    AttentionPlan plan =
        prepare_attention(bench.device, q, k, v, optimize_tiling(bench.device, sequence, 4, 8, 64));
    const AttentionMask mask{.causal = state.range(1) != 0};
    const Tensor y = compute_attention(plan, mask);
    for (auto _ : state) benchmark::DoNotOptimize(attention_gradients(plan, mask, y, dy).q.data());
}

void layer_norm_gelu(benchmark::State& state) {
    Bench bench;
    const std::int64_t batch = 2048, size = 512;
    const Tensor x = bench.normal({batch, size}, 1), scale = bench.normal({size}, 2),
                 shift = bench.normal({size}, 3), y = bench.normal({batch, size}, 4),
                 mean = bench.normal({batch}, 5), inverse = bench.normal({batch}, 6);
    const LayerNormGelu op{
        {batch, size, 1e-5F, 1, x.data(), scale.data(), shift.data()}, y.data(), mean.data(), inverse.data()};
    for (auto _ : state) bench.backend->run(op);
}

void sequences(benchmark::internal::Benchmark* benchmark) {
    for (const std::int64_t sequence : {128, 512, 2048})
        for (const std::int64_t causal : {0, 1}) benchmark->Args({sequence, causal});
    benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(attention)->Apply(sequences);
BENCHMARK(attention_backward)->Apply(sequences);
BENCHMARK(layer_norm_gelu)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

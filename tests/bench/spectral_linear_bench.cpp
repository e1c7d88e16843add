// A layer whose weight is a sparse spectrum: against the dense product, and at a size whose dense weight no
// machine here holds. The large one runs first, so that its peak is the process's.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "engine/compress/implicit_weights.hpp"
#include "engine/core/random.hpp"
#include "engine/nn/spectral_linear.hpp"
#include "kernels/ops/dense.hpp"

namespace spectral {
namespace {

struct Fixture {
    std::unique_ptr<Backend> backend = open_backend("cpu");
    MemoryBudget budget{std::size_t{256} << 20};
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

struct Drawn {
    std::vector<std::uint32_t> index;
    std::vector<Complex> values;
};

/// `count` coefficients drawn where each stands for its mirror too.
Drawn drawn(std::int64_t side, std::int64_t count) {
    Random random(1);
    const auto bins = static_cast<std::uint32_t>(side / 2 + 1);
    std::vector<std::uint32_t> index;
    while (std::ssize(index) < count) {
        while (std::ssize(index) < count)
            index.push_back(random.below(static_cast<std::uint32_t>(side)) * bins + 1 +
                            random.below(bins - 2));
        std::ranges::sort(index);
        index.erase(std::unique(index.begin(), index.end()), index.end());
    }
    std::vector<Complex> values;
    for (std::int64_t i = 0; i < count; ++i)
        values.emplace_back(static_cast<float>(random.normal()), static_cast<float>(random.normal()));
    return {std::move(index), std::move(values)};
}

PackedTensor packed(std::int64_t side, std::int64_t count) {
    const Drawn kept = drawn(side, count);
    BasisChoice choice;
    choice.kind = BasisKind::fft;
    PackedTensor tensor;
    tensor.method = "fft";
    tensor.shape = {side, side};
    tensor.basis = choice;
    PackedList& list = tensor.lists.emplace_back();
    list.support = Support::listed;
    list.count = count;
    list.value_coding = ValueCoding::f32;
    list.indices = encode_indices(list.index_coding, kept.index, Basis(tensor.shape, choice).size());
    list.values = encode_values(list.value_coding, parts_of(kept.values)).bytes;
    return tensor;
}

double peak_rss_mib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Arguments: side, coefficients, batch.
void spectral(benchmark::State& state) {
    Fixture f;
    const std::int64_t side = state.range(0), batch = state.range(2);
    const Drawn kept = drawn(side, state.range(1));
    SpectralLinear layer(f.device, "layer", side, side, kept.index, kept.values, false, batch);
    const Tensor x = f.normal({batch, side}, 2), y(f.device, MemoryTag::data, {batch, side}, "benchmark");
    for (auto _ : state) layer.forward(batch, {x.data(), side, nullptr}, y.data(), false);
    state.counters["weight_mib"] = static_cast<double>(layer.weight_bytes()) / (1 << 20);
    state.counters["dense_over_weight"] = static_cast<double>(side) * static_cast<double>(side) *
                                          sizeof(float) / static_cast<double>(layer.weight_bytes());
    state.counters["peak_rss_mib"] = peak_rss_mib();
}

/// The same product over blocks of the weight that are made and forgotten, as large as the limit allows.
/// Arguments: side, coefficients, batch.
void streamed(benchmark::State& state) {
    Fixture f;
    const std::int64_t side = state.range(0), batch = state.range(2);
    const ImplicitWeights weights(f.device, packed(side, state.range(1)));
    const Tensor x = f.normal({batch, side}, 2), y(f.device, MemoryTag::data, {batch, side}, "benchmark");
    const std::int64_t rows = weights.rows_within(f.budget.limit() - f.budget.snapshot().total.current);
    for (auto _ : state) weights.multiply(batch, x.data(), y.data(), rows);
    state.counters["block_rows"] = static_cast<double>(rows);
    state.counters["peak_counted_mib"] = static_cast<double>(f.budget.snapshot().total.peak) / (1 << 20);
    state.counters["peak_rss_mib"] = peak_rss_mib();
}

/// Arguments: side, batch.
void dense(benchmark::State& state) {
    Fixture f;
    const std::int64_t side = state.range(0), batch = state.range(1);
    const Tensor w = f.normal({side, side}, 1), x = f.normal({batch, side}, 2),
                 y(f.device, MemoryTag::data, {batch, side}, "benchmark");
    for (auto _ : state)
        f.backend->run(
            MatMul{batch, side, side, false, true, x.data(), side, w.data(), side, 0, y.data(), side});
}

constexpr std::int64_t kMillion = 1'000'000;
/// One hundredth of the degrees of freedom of 4096², two for each coefficient.
constexpr std::int64_t kHundredth = 4096 * 4096 / 200;

BENCHMARK(spectral)->Args({65536, kMillion, 8})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(streamed)->Args({65536, kMillion, 8})->UseRealTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(spectral)->Args({4096, kHundredth, 64})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(dense)->Args({4096, 64})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

// Epochs of training and features of MNIST, as the program does them; PureFFT steps at every level.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/data/features.hpp"
#include "engine/profile/profiler.hpp"
#include "engine/train/trainer.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral {
namespace {

constexpr std::int64_t kSamples = 60000, kBatch = 256;
constexpr PureFftSizes kSizes{kBatch, 8, 2, 10, 393};

/// MNIST when SPECTRAL_DATA has it, else as many generated digits of the same shape.
ExperimentConfig experiment(const std::string& model) {
    ExperimentConfig config;
    config.model = model;
    config.epochs = 1000000;
    if (const char* data = std::getenv("SPECTRAL_DATA")) {
        config.dataset = "mnist";
        config.data = std::string(data) + "/mnist";
    } else {
        config.dataset_options = {{"train_samples", kSamples}, {"test_samples", 10000}};
    }
    return resolved(config);
}

std::shared_ptr<Workspace> shared_workspace() {
    static const auto workspace = std::make_shared<Workspace>();
    return workspace;
}

/// One epoch: shuffling, every step, Adam, and the checks of loss and gradient. No evaluation.
void train_epoch(benchmark::State& state, const std::string& model) {
    Trainer trainer(experiment(model), shared_workspace(), {});
    for (auto _ : state)
        while (!trainer.step().epoch_finished) {
        }
    state.SetItemsProcessed(state.iterations() * trainer.info().train_samples);
}

/// An epoch with timing on and one without, in turn. `throughput`: what timing leaves of it, the median over
/// the pairs, which a machine that is slower now and then hardly moves.
void timing_overhead(benchmark::State& state) {
    const ExperimentConfig config = experiment("purefft");
    const auto profiler = std::make_shared<Profiler>();
    profiler->start();
    Trainer plain(config, shared_workspace(), {}), timed(config, shared_workspace(), {}, profiler);
    const auto seconds = [](Trainer& trainer) {
        const double before = trainer.train_seconds();
        while (!trainer.step().epoch_finished) {
        }
        return trainer.train_seconds() - before;
    };
    std::vector<double> ratios;
    for (auto _ : state) {
        const double without = seconds(plain), with = seconds(timed);
        ratios.push_back(without / with);
    }
    std::ranges::nth_element(ratios, ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2));
    state.counters["throughput"] = ratios[ratios.size() / 2];
}

/// |rfft| of all images from normalised floats in memory: what the peer times.
void features(benchmark::State& state) {
    const ExperimentConfig config = experiment("purefft");
    const auto dataset = shared_workspace()->dataset(config.dataset, config.data, config.dataset_options, {});
    const auto backend = open_backend("cpu");
    const Device device{*backend, shared_workspace()->budget()};
    constexpr std::int64_t kBlock = 1024;
    const SignalShape shape{1, {dataset->train.shape.size(), 1, 1}};
    const std::int64_t count = dataset->train.count() + dataset->test.count(), size = shape.size();
    const std::int64_t stride = padded_columns(shape.spectrum_size());
    const Tensor x(device, MemoryTag::data, {count, size}, "signals"),
        y(device, MemoryTag::data, {count, stride}, "y");
    const Tensor scratch(device, MemoryTag::workspace, {RfftMagnitude::scratch_size(kBlock, shape)},
                         "scratch", DType::complex64);
    dataset->train.read(0, dataset->train.count(), x.data());
    dataset->test.read(0, dataset->test.count(), x.data() + dataset->train.count() * size);
    for (auto _ : state) {
        for (std::int64_t first = 0; first < count; first += kBlock)
            backend->run(RfftMagnitude{std::min(kBlock, count - first), shape, x.data() + first * size,
                                       y.data() + first * stride, stride, scratch.complex_data()});
        benchmark::DoNotOptimize(y.data());
    }
    state.SetItemsProcessed(state.iterations() * count);
}

/// The same as a run does it: from the stored bytes, into fresh memory, with labels and progress.
void features_from_pixels(benchmark::State& state) {
    const ExperimentConfig config = experiment("purefft");
    const auto dataset = shared_workspace()->dataset(config.dataset, config.data, config.dataset_options, {});
    const auto backend = open_backend("cpu");
    const Device device{*backend, shared_workspace()->budget()};
    for (auto _ : state) {
        const FeatureMatrix train = compute_features(device, dataset->train, "rfft_magnitude", "train");
        const FeatureMatrix test = compute_features(device, dataset->test, "rfft_magnitude", "test");
        benchmark::DoNotOptimize(train.values.data());
        benchmark::DoNotOptimize(test.values.data());
    }
    state.SetItemsProcessed(state.iterations() * (dataset->train.count() + dataset->test.count()));
}

/// One epoch's worth of PureFftStep at a level, on 60,000 random rows in random order; no optimiser.
void step_level(benchmark::State& state) {
    const auto level = static_cast<Level>(state.range(0));
    const auto backend = open_backend("cpu");
    MemoryBudget budget;
    const Device device{*backend, budget};
    const std::int64_t stride = padded_columns(kSizes.frequencies);
    const Tensor x(device, MemoryTag::data, {kSamples, stride}, "x");
    Random random(1);
    for (std::int64_t i = 0; i < kSamples * stride; ++i)
        x.data()[i] = i % stride < kSizes.frequencies ? static_cast<float>(random.uniform()) : 0;
    const std::int64_t rows_of_parameters = kSizes.patterns + kSizes.layers + kSizes.classes;
    const Tensor parameters(device, MemoryTag::parameters, {rows_of_parameters, kSizes.frequencies},
                            "parameters");
    const Tensor gradients(device, MemoryTag::gradients, {rows_of_parameters, kSizes.frequencies},
                           "gradients");
    for (std::int64_t i = 0; i < parameters.size(); ++i)
        parameters.data()[i] = static_cast<float>(0.1 * random.normal());
    std::vector<std::uint32_t> order(static_cast<std::size_t>(kSamples));
    std::iota(order.begin(), order.end(), 0U);
    random.shuffle(order);
    const std::vector<std::int32_t> labels(order.size(), 3);
    const Tensor logits(device, MemoryTag::activations, {kBatch, kSizes.classes}, "logits");
    const Tensor scratch(device, MemoryTag::workspace,
                         {purefft_scratch_size(kSizes, level, backend->threads())}, "scratch");
    const std::int64_t n = kSizes.frequencies;
    const auto split = [&](float* all) {
        return PureFftGradients{all, all + kSizes.patterns * n, all + (kSizes.patterns + kSizes.layers) * n};
    };
    const PureFftGradients p = split(parameters.data());
    LossSums sums;
    for (auto _ : state) {
        for (std::int64_t first = 0; first + kBatch <= kSamples; first += kBatch)
            backend->run(PureFftStep{kSizes,
                                     {x.data(), stride, order.data() + first},
                                     {p.pool, p.layer, p.class_},
                                     labels.data() + first,
                                     logits.data(),
                                     split(gradients.data()),
                                     &sums,
                                     scratch.data()},
                         level);
        benchmark::DoNotOptimize(sums);
    }
    state.SetItemsProcessed(state.iterations() * (kSamples / kBatch) * kBatch);
}

BENCHMARK_CAPTURE(train_epoch, purefft, "purefft")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train_epoch, logistic, "logistic")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train_epoch, mlp, "mlp")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(timing_overhead)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(features_from_pixels)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(features)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_level)->Arg(1)->Arg(2)->Arg(4)->Arg(5)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace spectral

BENCHMARK_MAIN();

// Quantiles, what the profiler counts, its exports, the machine's ceiling, and the level comparison.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "engine/core/error.hpp"
#include "engine/profile/bench.hpp"
#include "engine/profile/ceiling.hpp"
#include "engine/profile/op_case.hpp"
#include "engine/profile/profiler.hpp"
#include "engine/profile/trace.hpp"
#include "engine/train/trainer.hpp"
#include "kernels/ops/ceiling.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/purefft.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

namespace fs = std::filesystem;

TEST(DurationHistogram, QuantilesAreExactToABucket) {
    DurationHistogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0);
    for (std::int64_t ns = 1; ns <= 10000; ++ns) histogram.add(ns);
    EXPECT_EQ(histogram.count(), 10000);
    for (const double share : {0.01, 0.25, 0.5, 0.95, 1.0})
        EXPECT_NEAR(histogram.quantile(share), share * 10000, 0.045 * share * 10000) << share;
    DurationHistogram extremes;
    for (const std::int64_t ns : {std::int64_t{-5}, std::int64_t{0}, INT64_MAX}) extremes.add(ns);
    EXPECT_NEAR(extremes.quantile(0.3), 1, 0.1);
    EXPECT_GT(extremes.quantile(1), 1e11);
}

class Watched : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    Profiler profiler_;
    Array<float> x_{*backend_, 4096};

    ~Watched() override { profiler_.detach(); }
    void run(std::int64_t size = 4096) {
        backend_->run(Activation{ActivationKind::relu, size, x_.data(), x_.data()});
    }
    static const OpTiming* find(const Profile& profile, const std::string& op) {
        for (const OpTiming& timing : profile.timings)
            if (timing.op == op) return &timing;
        return nullptr;
    }
};

TEST_F(Watched, CountsCallsBytesAndStepsWhileItIsStarted) {
    profiler_.attach(*backend_);
    run();  // not started
    profiler_.start();
    for (int step = 1; step <= 3; ++step) {
        profiler_.begin_step(step);
        for (int i = 0; i < 5; ++i) run();
    }
    profiler_.collect();
    auto profile = profiler_.profile();
    EXPECT_TRUE(profile->running);
    EXPECT_EQ(profile->steps, 3);
    ASSERT_EQ(profile->timings.size(), 1U);
    const OpTiming& timing = profile->timings[0];
    EXPECT_EQ(timing.op, "activation");
    EXPECT_EQ(timing.level, 4);
    EXPECT_FALSE(timing.change.empty());
    EXPECT_EQ(timing.calls, 15);
    EXPECT_EQ(timing.bytes, 15 * 2 * 4 * 4096);
    EXPECT_GT(timing.total_ms, 0);
    EXPECT_LE(timing.median_us, timing.p95_us);
    EXPECT_EQ(timing.share, 1);
    ASSERT_EQ(profile->spans.size(), 15U);
    EXPECT_EQ(profile->spans.front().step, 1);
    EXPECT_EQ(profile->spans.back().step, 3);
    for (std::size_t i = 1; i < profile->spans.size(); ++i)
        EXPECT_GE(profile->spans[i].start_ns,
                  profile->spans[i - 1].start_ns + profile->spans[i - 1].duration_ns);
    const auto newest = profiler_.profile(4);
    ASSERT_EQ(newest->spans.size(), 4U);
    EXPECT_EQ(newest->spans.front().start_ns, profile->spans[11].start_ns);
    EXPECT_TRUE(profiler_.profile(0)->spans.empty());
    EXPECT_EQ(newest->timings[0].calls, 15);

    profiler_.stop();
    profiler_.begin_step(4);
    run();
    profiler_.collect();
    EXPECT_EQ(profiler_.profile()->timings[0].calls, 15);
    EXPECT_FALSE(profiler_.profile()->running);
    profiler_.reset();
    EXPECT_TRUE(profiler_.profile()->timings.empty());
}

TEST_F(Watched, WhatRunsInsideAnOperationIsNotCountedTwice) {
    profiler_.attach(*backend_);
    profiler_.start();
    profiler_.begin_step(1);
    MemoryBudget budget;
    const OpCaseInfo& info = find_op_case("purefft_step");
    const OpCase step = info.make({*backend_, budget}, complete(info.sizes, {{"batch", 8}}, "test"));
    step.run(Level::fused);  // forward, loss and backward as operations of their own
    profiler_.collect();
    const auto profile = profiler_.profile();
    double shares = 0;
    for (const OpTiming& timing : profile->timings) shares += timing.share;
    EXPECT_NEAR(shares, 1, 1e-12);
    ASSERT_NE(find(*profile, "purefft_step"), nullptr);
    ASSERT_NE(find(*profile, "purefft_forward"), nullptr);
    EXPECT_EQ(find(*profile, "purefft_forward")->share, 0);
    EXPECT_EQ(profile->spans.front().depth, 0);
    EXPECT_EQ(profile->spans.back().depth, 1);
}

TEST_F(Watched, MoreThanItHoldsCostsTheNewestOfAStepAndTheOldestSpans) {
    profiler_.attach(*backend_);
    profiler_.start();
    profiler_.begin_step(1);
    for (std::size_t i = 0; i < Profiler::kMaxPending + 10; ++i) run(1);
    profiler_.begin_step(2);
    EXPECT_EQ(profiler_.profile()->timings.at(0).calls, static_cast<std::int64_t>(Profiler::kMaxPending));
    for (std::int64_t step = 3; profiler_.profile()->steps < 12; ++step) {
        for (std::size_t i = 0; i < Profiler::kMaxPending / 2; ++i) run(1);
        profiler_.begin_step(step);
    }
    profiler_.collect();
    const auto profile = profiler_.profile();
    ASSERT_EQ(profile->spans.size(), Profiler::kMaxSpans);
    EXPECT_GT(profile->spans.front().step, 2);
    for (std::size_t i = 1; i < profile->spans.size(); ++i)
        ASSERT_GE(profile->spans[i].start_ns, profile->spans[i - 1].start_ns);
}

TEST_F(Watched, ExportsWhatItSaw) {
    profiler_.attach(*backend_);
    profiler_.start();
    profiler_.begin_step(7);
    run();
    run();
    profiler_.collect();
    const auto profile = profiler_.profile();
    const Json trace = to_chrome_trace(*profile);
    ASSERT_EQ(trace.at("traceEvents").size(), 3U);  // the process's name and two spans
    const Json& span = trace.at("traceEvents")[2];
    EXPECT_EQ(span.at("name"), "activation");
    EXPECT_EQ(span.at("ph"), "X");
    EXPECT_EQ(span.at("args").at("step"), 7);
    EXPECT_GE(span.at("ts").get<double>(), span.at("dur").get<double>());
    const std::string csv = to_csv(*profile, {10, 100});
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
    EXPECT_NE(csv.find("\nactivation,4,tiled,2,"), std::string::npos) << csv;
}

TEST(Ceiling, OperationsDoWhatTheySay) {
    const auto backend = open_backend("cpu", 3);
    for (const std::int64_t size : {0, 1, 15, 16, 17, 193, 5003}) {
        const std::vector<float> x = normal_values(size, 1);
        Array<float> in(*backend, std::span<const float>(x)), out(*backend, size);
        backend->run(StreamCopy{size, in.data(), out.data()});
        EXPECT_EQ(out.host(), x) << size;
        backend->run(RepeatedMultiplyAdd{size, 3, 0.5F, 2, in.data()});
        std::vector<double> expected;  // x/8 + 2/4 + 2/2 + 2
        for (const float value : x) expected.push_back(static_cast<double>(value) / 8 + 3.5);
        EXPECT_LE(relative_energy_error(in.host(), expected), kEnergyTolerance) << size;
    }
}

TEST(Ceiling, IsRememberedAndDamageIsMeasuredAgain) {
    const fs::path folder = fs::temp_directory_path() / ("ceiling" + std::to_string(getpid()));
    const fs::path cache = folder / "deeper" / "ceiling.json";
    MemoryBudget budget(std::size_t{8} << 20);  // less than it would like
    const auto backend = open_backend("cpu", 1);
    const Device device{*backend, budget};
    const Ceiling first = machine_ceiling(device, cache), second = machine_ceiling(device, cache);
    EXPECT_GT(first.gb_per_s, 0);
    EXPECT_GT(first.gflop_per_s, 0);
    EXPECT_EQ(first.gb_per_s, second.gb_per_s);
    for (const char* text : {"", "[", "[]", "{\"cpu\": 3}", "{\"x\": {\"gb_per_s\": \"much\"}}"}) {
        std::ofstream(cache) << text;
        EXPECT_GT(machine_ceiling(device, cache).gb_per_s, 0) << text;
    }
    EXPECT_GT(machine_ceiling(device, "/dev/null/nowhere.json").gflop_per_s, 0);
    EXPECT_DOUBLE_EQ((Ceiling{10, 100}.share({5e9, 1e9}, 1)), 0.5);
    EXPECT_DOUBLE_EQ((Ceiling{10, 100}.share({5e9, 90e9}, 1)), 0.9);
    fs::remove_all(folder);
}

/// Every level of every operation gives the same numbers, and every operation of the backend has a case.
TEST(Bench, EveryOperationAtEveryLevel) {
    MemoryBudget budget;
    BenchRequest request;
    request.seconds_per_level = 1e-4;
    request.threads = 2;
    request.sizes = {{"batch", 37}, {"length", 97}, {"size", 1009},   {"columns", 17},
                     {"m", 7},      {"n", 5},       {"k", 11},        {"frequencies", 49},
                     {"side", 21},  {"kernel", 5},  {"images", 2},    {"channels", 3},
                     {"planes", 5}, {"heads", 2},   {"sequence", 37}, {"head_size", 8}};
    std::set<std::string> seen;
    for (const BenchResult& result : run_bench(request, budget)) {
        seen.insert(result.op);
        EXPECT_GT(result.ms, 0) << result.op;
        EXPECT_LE(result.max_abs_diff, 1e-4) << result.op << " level " << result.level;
        EXPECT_FALSE(result.change.empty()) << result.op;
        EXPECT_TRUE(std::isfinite(result.percent_of_ceiling)) << result.op;
    }
    const std::set<std::string> without{"stream_copy", "repeated_multiply_add", "purefft_gain"};
    const auto backend = open_backend("cpu", 1);
    for (const std::string& name : backend->operations().names())
        EXPECT_TRUE(seen.contains(name) || without.contains(name)) << name << " has no case";
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(Bench, RefusesWhatThereIsNot) {
    MemoryBudget budget;
    const auto refused = [&](auto change) {
        BenchRequest request;
        request.ops = {"adam"};
        change(request);
        EXPECT_THROW(run_bench(request, budget), Error);
    };
    refused([](BenchRequest& request) { request.ops = {"nope"}; });
    refused([](BenchRequest& request) { request.level = 1; });  // it has no such level
    refused([](BenchRequest& request) { request.level = 6; });
    refused([](BenchRequest& request) { request.backends = {"abacus"}; });
    refused([](BenchRequest& request) { request.sizes = {{"batch", 3}}; });
    refused([](BenchRequest& request) { request.sizes = {{"size", 0}}; });
}

/// Timing changes no number.
TEST(Profiler, ATrainingRunIsTheSameUnderIt) {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 500}, {"test_samples", 100}, {"length", 64}};
    config.epochs = 2;
    config.batch = 50;
    config = resolved(config);
    const auto workspace = std::make_shared<Workspace>();
    const auto profiler = std::make_shared<Profiler>();
    profiler->start();
    Trainer watched(config, workspace, {}, profiler), alone(config, workspace, {});
    while (!alone.finished()) {
        watched.step();
        alone.step();
    }
    EXPECT_EQ(watched.history().loss, alone.history().loss);
    profiler->collect();
    EXPECT_EQ(profiler->profile()->steps, 20);
}

}  // namespace
}  // namespace spectral::test

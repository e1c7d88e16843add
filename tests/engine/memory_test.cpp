// Memory over time, who holds it, what counts in it, and runs that find none left.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "engine/core/counted_plans.hpp"
#include "engine/core/memory_budget.hpp"
#include "engine/core/random.hpp"
#include "engine/train/run.hpp"
#include "engine/train/trainer.hpp"
#include "kernels/ops/fft.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/fault_backend.hpp"

namespace spectral::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMillisecond = 1'000'000;

BytesByTag of(std::size_t parameters, std::size_t data = 0) {
    BytesByTag bytes{};
    bytes[0] = parameters;
    bytes[static_cast<std::size_t>(MemoryTag::data)] = data;
    return bytes;
}

TEST(MemoryTimeline, KeepsTheHighestAndTheLastOfAnInterval) {
    MemoryTimeline timeline;
    timeline.add(0, of(10));
    timeline.add(100, of(30, 5));
    timeline.add(200, of(20));
    timeline.add(300, of(25));
    EXPECT_EQ(timeline.points(), (std::vector<MemoryPoint>{{100, of(30, 5)}, {300, of(25)}}));
    timeline.add(kMillisecond, of(1));
    timeline.add(3 * kMillisecond, of(2));
    EXPECT_EQ(timeline.points().size(), 4U);
    EXPECT_EQ(timeline.interval_ns(), MemoryTimeline::kFirstInterval_ns);
}

/// A week of changes, most of them small, one short peak anywhere: bounded, ascending, and the peak is there.
TEST(MemoryTimeline, IsBoundedAndLosesNoPeak) {
    constexpr std::int64_t kChanges = 300'000, kStep = 2 * 1000 * kMillisecond;
    for (const std::int64_t peak_at : {std::int64_t{0}, std::int64_t{777}, kChanges / 2, kChanges - 2}) {
        MemoryTimeline timeline;
        Random random(1, 2);
        BytesByTag last{};
        for (std::int64_t i = 0; i < kChanges; ++i) {
            last = of(static_cast<std::size_t>(random.uniform(0, 1000)), 50);
            if (i == peak_at) last = of(5000, 60);
            timeline.add(i * kStep, last);
            ASSERT_LE(timeline.points().size(), MemoryTimeline::kMaxPoints);
        }
        const std::vector<MemoryPoint>& points = timeline.points();
        EXPECT_GT(points.size(), MemoryTimeline::kMaxPoints / 4);
        EXPECT_TRUE(std::ranges::is_sorted(points, {}, &MemoryPoint::time_ns));
        EXPECT_EQ(points.back(), (MemoryPoint{(kChanges - 1) * kStep, last}));
        EXPECT_EQ(std::ranges::count(points, MemoryPoint{peak_at * kStep, of(5000, 60)}), 1);
        // Evenly: no gap is much longer than the intervals have become.
        for (std::size_t i = 1; i < points.size(); ++i)
            EXPECT_LE(points[i].time_ns - points[i - 1].time_ns, 2 * timeline.interval_ns() + kStep);
    }
}

TEST(MemoryBudget, ShowsHoldersPeaksAndTimeline) {
    MemoryBudget budget(1000);
    Reservation pool = budget.reserve(MemoryTag::parameters, 100, "pool");
    const Reservation more = budget.reserve(MemoryTag::parameters, 50, "pool");
    const std::uint64_t before = budget.revision();
    {
        const Reservation images = budget.reserve(MemoryTag::data, 700, "images");
        pool.grow(20);
        EXPECT_THROW(pool.grow(200), OverLimit);
    }
    const Reservation same_name = budget.reserve(MemoryTag::gradients, 30, "pool");
    EXPECT_GT(budget.revision(), before);
    const MemorySnapshot now = budget.snapshot();
    EXPECT_EQ(now.total.current, 200U);
    EXPECT_EQ(now.total.peak, 870U);
    EXPECT_EQ(now.total.count, 3U);
    EXPECT_EQ(now.limit, 1000U);
    ASSERT_EQ(now.holders.size(), 2U);
    EXPECT_EQ(now.holders[0].name, "pool");
    EXPECT_EQ(now.holders[0].tag, MemoryTag::parameters);
    EXPECT_EQ(now.holders[0].bytes, 170U);
    EXPECT_EQ(now.holders[1].tag, MemoryTag::gradients);
    ASSERT_FALSE(now.timeline.empty());
    EXPECT_EQ(now.timeline.back().bytes, (BytesByTag{170, 30}));
    EXPECT_EQ(std::ranges::max(now.timeline, {}, [](const MemoryPoint& p) { return sum(p.bytes); }).bytes,
              of(170, 700));
    EXPECT_GE(now.now_ns, now.timeline.back().time_ns);

    budget.start_over();
    const MemorySnapshot anew = budget.snapshot();
    EXPECT_EQ(anew.total.peak, 200U);
    EXPECT_EQ(anew.timeline.size(), 1U);
    EXPECT_EQ(anew.timeline.front().bytes, (BytesByTag{170, 30}));
}

/// What the system would promise all the same, and end the program for later.
TEST(MemoryBudget, MoreThanTheMachineHasIsRefusedWithoutALimit) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    const auto values = static_cast<std::int64_t>(available_memory() / sizeof(float));
    if (values > std::int64_t{1} << 48) GTEST_SKIP() << "the system does not tell what it has";
    try {
        const Tensor tensor(Device{*backend, budget}, MemoryTag::activations, {2, values}, "scores");
        FAIL();
    } catch (const OutOfMemory& error) {
        EXPECT_NE(std::string(error.what()).find("scores: the cpu backend has no"), std::string::npos)
            << error.what();
        EXPECT_FALSE(error.hint().empty());
        EXPECT_EQ(dynamic_cast<const OverLimit*>(&error), nullptr) << "no limit to raise";
    }
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(MemoryBudget, CountsFromManyThreads) {
    MemoryBudget budget;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&budget, t] {
                for (int i = 0; i < 2000; ++i) {
                    Reservation a = budget.reserve(MemoryTag::workspace, 64, "scratch " + std::to_string(t));
                    a.grow(8);
                    if (i % 100 == 0) {
                        EXPECT_LE(budget.snapshot().total.current, 4U * 72);
                    }
                }
            });
    }
    const MemorySnapshot now = budget.snapshot();
    EXPECT_EQ(now.total.current, 0U);
    EXPECT_TRUE(now.holders.empty());
    EXPECT_EQ(sum(now.timeline.back().bytes), 0U);
}

TEST(PlanCache, ListsWhatItHoldsAndLetsItGo) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    const Tensor x(Device{*backend, budget}, MemoryTag::workspace, {5, 68}, "x");
    const Tensor y(Device{*backend, budget}, MemoryTag::workspace, {5, 36}, "y", DType::complex64);
    for (int i = 0; i < 3; ++i) backend->run(Rfft{5, {1, {12, 1, 1}}, x.data(), y.complex_data()});
    // A side of 17 is none that small images are transformed at without a plan.
    backend->run(Rfft{5, {2, {4, 17, 1}}, x.data(), y.complex_data()});
    const std::vector<PlanInfo> plans = backend->cached_plans();
    ASSERT_EQ(plans.size(), 2U);
    EXPECT_EQ(plans[0].text, "4 × 17, real → complex");
    EXPECT_EQ(plans[0].uses, 1U);
    EXPECT_EQ(plans[1].text, "12, real → complex");
    EXPECT_EQ(plans[1].uses, 3U);
    EXPECT_FALSE(plans[1].bytes.has_value()) << "FFTW does not tell";
    backend->clear_plans();
    EXPECT_TRUE(backend->cached_plans().empty());
    backend->run(Rfft{5, {1, {12, 1, 1}}, x.data(), y.complex_data()});
    EXPECT_EQ(backend->cached_plans().size(), 1U);
}

/// A backend whose library tells what its plans take.
class TellingBackend final : public FaultBackend {
public:
    TellingBackend() : FaultBackend(0) {}
    std::vector<PlanInfo> cached_plans() const override { return plans; }
    void clear_plans() override { plans.clear(); }
    std::vector<PlanInfo> plans;
};

TEST(CountedPlans, AreInTheBudgetEvenPastItsLimit) {
    TellingBackend backend;
    MemoryBudget budget(1000);
    CountedPlans counted({backend, budget});
    EXPECT_TRUE(counted.look().empty());
    backend.plans = {{"a", 700, 1}, {"b", std::nullopt, 1}, {"c", 600, 1}};
    EXPECT_EQ(counted.look().size(), 3U);
    EXPECT_EQ(budget.usage(MemoryTag::plans).current, 1300U);
    EXPECT_THROW(static_cast<void>(budget.reserve(MemoryTag::data, 1, "x")), OverLimit);
    backend.plans.pop_back();
    counted.look();
    EXPECT_EQ(budget.usage(MemoryTag::plans).current, 700U);
    EXPECT_EQ(budget.usage(MemoryTag::plans).peak, 1300U);
    counted.clear();
    EXPECT_TRUE(backend.plans.empty());
    EXPECT_EQ(budget.usage(MemoryTag::plans).current, 0U);
}

TEST(ModelFile, CountsWhileItIsWrittenAndRead) {
    const ModelFile model = sample_model();
    const ScratchFolder folder;
    const fs::path path = folder / "model.h5";
    MemoryBudget budget;
    write_model_file(path, model, &budget);
    EXPECT_EQ(budget.total().current, 0U);
    EXPECT_GE(budget.total().peak, bytes_of(model) / 4);
    {
        Reservation room = budget.reserve(MemoryTag::workspace, 0, "file");
        const ModelFile read = read_model_file(path, &room);
        EXPECT_GE(room.bytes(), bytes_of(read));
    }
    EXPECT_EQ(budget.total().current, 0U);

    budget.set_limit(100);
    EXPECT_THROW(write_model_file(path, model, &budget), OutOfMemory);
    Reservation room = budget.reserve(MemoryTag::workspace, 0, "file");
    EXPECT_THROW(read_model_file(path, &room), OutOfMemory);
    EXPECT_TRUE(same(model, read_model_file(path))) << "the file from before is intact";
    budget.set_limit(MemoryBudget::kUnlimited);
    write_model_file(path, model, &budget);  // a failed one leaves nothing open that would be in the way
    EXPECT_TRUE(same(model, read_model_file(path)));
}

ExperimentConfig endless() {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 1000}, {"test_samples", 200}, {"length", 64}};
    config.model = "mlp";
    config.features = "rfft_magnitude";
    config.batch = 64;
    config.epochs = 1'000'000;
    config.threads = 1;
    return resolved(config);
}

/// One who waits for another's load can be told to stop; the load goes on.
TEST(Workspace, WaitsNoLongerThanItIsWanted) {
    Workspace workspace;
    std::promise<void> begun, unwanted;
    std::thread loader([&] {
        bool is_first = true;
        workspace.dataset("strokes", "", Json::object(), [&](std::string_view, double) {
            if (std::exchange(is_first, false)) {
                begun.set_value();
                unwanted.get_future().wait();
            }
            return true;
        });
    });
    begun.get_future().wait();
    int asked = 0;
    EXPECT_THROW(
        workspace.dataset("tones", "", Json::object(), [&](std::string_view, double) { return ++asked < 3; }),
        Cancelled);
    EXPECT_EQ(asked, 3);
    unwanted.set_value();
    loader.join();
    EXPECT_NE(workspace.dataset("strokes", "", Json::object(), {}), nullptr);
}

TEST(Trainer, KnowsWhatItsModelFileTakes) {
    for (const bool standardise : {false, true}) {
        ExperimentConfig config = endless();
        config.standardise = standardise;
        Trainer trainer(config, std::make_shared<Workspace>(), {});
        for (int i = 0; i < 20; ++i) trainer.step();
        trainer.evaluate();
        for (const bool with_state : {false, true})
            EXPECT_EQ(trainer.model_file_bytes(with_state), bytes_of(trainer.model_file(with_state)));
    }
}

TEST(Trainer, HoldsThePlansThatMadeItsFeatures) {
    const auto workspace = std::make_shared<Workspace>();
    Trainer trainer(endless(), workspace, {});
    ASSERT_EQ(trainer.plans().size(), 1U);
    EXPECT_EQ(trainer.plans().front().text, "64, complex → complex, aligned");
    trainer.clear_plans();
    EXPECT_TRUE(trainer.plans().empty());
    EXPECT_TRUE(trainer.step().finite);
}

template <class Done>
Updates wait_for(TrainingRun& run, const Done& done) {
    Updates seen;
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < end) {
        run.wait_for_updates(100ms);
        Updates now = run.take_updates();
        seen.steps.insert(seen.steps.end(), now.steps.begin(), now.steps.end());
        seen.evaluations.insert(seen.evaluations.end(), now.evaluations.begin(), now.evaluations.end());
        if (now.state) seen.state = now.state;
        if (now.shortage) seen.shortage = now.shortage;
        if (now.plans) seen.plans = now.plans;
        if (!now.message.empty()) seen.message = now.message;
        if (done(seen)) return seen;
    }
    ADD_FAILURE() << "what was waited for did not come";
    return seen;
}

/// The limit falls below what is held: the run stands, says so, and goes on where it was when there is room.
TEST(TrainingRun, StandsWhileMemoryIsShortAndGoesOn) {
    ExperimentConfig config = endless();
    config.model = "purefft";  // whose snapshots need memory too
    config.model_options = Json::object();
    RunOptions options;
    options.send_snapshots = true;
    options.workspace = std::make_shared<Workspace>();
    MemoryBudget& budget = options.workspace->budget();
    TrainingRun run(resolved(config), options);
    wait_for(run, [](const Updates& u) { return u.evaluations.size() >= 2; });
    budget.set_limit(1);
    const Updates short_of = wait_for(run, [](const Updates& u) { return u.shortage && u.state; });
    ASSERT_TRUE(short_of.shortage);
    EXPECT_EQ(short_of.state, RunState::paused);
    EXPECT_NE(short_of.message.find("limit in use"), std::string::npos) << short_of.message;
    EXPECT_FALSE(short_of.shortage->hint.empty());
    EXPECT_EQ(short_of.shortage->batch, 64);
    EXPECT_FALSE(run.done());
    run.send(command::Resume{});  // nothing has changed: it stands again
    wait_for(run, [](const Updates& u) { return u.shortage && u.state == RunState::paused; });
    budget.set_limit(MemoryBudget::kUnlimited);
    run.send(command::Resume{});
    const Updates on = wait_for(run, [](const Updates& u) { return u.evaluations.size() >= 3; });
    for (std::size_t i = 1; i < on.evaluations.size(); ++i)
        EXPECT_EQ(on.evaluations[i].step, on.evaluations[i - 1].step + 16)
            << "an epoch was lost or told twice";
    run.send(command::Stop{});
    EXPECT_EQ(run.result().state, RunState::stopped);
}

/// Whoever looks all the time never finds the reason without the news that the run stands.
TEST(TrainingRun, TellsOfAShortageTogetherWithItsPause) {
    RunOptions options;
    options.send_snapshots = true;
    options.workspace = std::make_shared<Workspace>();
    TrainingRun run(endless(), options);
    wait_for(run, [](const Updates& u) { return !u.evaluations.empty(); });
    options.workspace->budget().set_limit(1);
    for (int times = 0; times < 2000; ++times) {
        Updates seen;
        while (!seen.shortage && !run.done()) seen = run.take_updates();
        ASSERT_EQ(seen.state, RunState::paused) << "the " << times + 1 << "th time";
        run.send(command::Resume{});
    }
    run.send(command::Stop{});
    run.result();
}

TEST(TrainingRun, EndsWhereNobodyCanMakeRoom) {
    RunOptions options;
    options.workspace = std::make_shared<Workspace>();
    {
        TrainingRun run(endless(), options);
        wait_for(run, [](const Updates& u) { return !u.evaluations.empty(); });
        options.workspace->budget().set_limit(1);
        const RunResult result = run.result();
        EXPECT_EQ(result.state, RunState::failed);
        EXPECT_FALSE(result.bad_input);
        EXPECT_NE(result.error.find("limit in use"), std::string::npos) << result.error;
    }
    const MemorySnapshot left = options.workspace->budget().snapshot();
    for (const MemoryHolder& holder : left.holders)
        EXPECT_EQ(holder.tag, MemoryTag::data) << holder.name << " was not given back";
}

TEST(TrainingRun, ClearsPlansWhenItIsTold) {
    RunOptions options;
    options.send_snapshots = true;
    TrainingRun run(endless(), options);
    EXPECT_EQ(wait_for(run, [](const Updates& u) { return u.plans.has_value(); }).plans->size(), 1U);
    run.send(command::ClearPlans{});
    EXPECT_TRUE(wait_for(run, [](const Updates& u) { return u.plans.has_value(); }).plans->empty());
    run.send(command::Stop{});
    EXPECT_EQ(run.result().state, RunState::stopped);
}

/// From the middle of an epoch, in batches of another size: the epoch is finished, no sample of it is left
/// out.
TEST(Trainer, GoesOnWithASmallerBatch) {
    const auto workspace = std::make_shared<Workspace>();
    ExperimentConfig config = endless();
    Trainer first(config, workspace, {});
    for (int i = 0; i < 16 + 6; ++i) first.step();  // 16 batches an epoch: 384 samples into the second
    const std::size_t before = workspace->budget().usage(MemoryTag::activations).current;
    for (const auto& [batch, left] : {std::pair{32, 20}, std::pair{50, 13}, std::pair{1000, 1}}) {
        config.batch = batch;
        Trainer second(config, workspace, {});
        second.restore(first.model_file(true));
        int steps = 0;
        while (second.epochs_done() < 2) {
            ASSERT_TRUE(second.step().finite);
            ++steps;
        }
        EXPECT_EQ(steps, left) << batch;
        EXPECT_LE(second.epoch_means().accuracy, 1.0);
        EXPECT_GT(second.epoch_means().accuracy, 0.0);
        const std::size_t both = workspace->budget().usage(MemoryTag::activations).current;
        if (batch < 64) {
            EXPECT_LT(both, 2 * before);
        }
    }
}

}  // namespace
}  // namespace spectral::test

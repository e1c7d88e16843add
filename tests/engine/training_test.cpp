// Runs: reproducible, resumable bit for bit, commanded from outside, safe against numbers that are not.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "engine/core/error.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/run.hpp"
#include "engine/train/trainer.hpp"
#include "tests/engine/small_runs.hpp"

namespace spectral::test {
namespace {

using namespace std::chrono_literals;

std::vector<float> weights(Trainer& trainer) { return test::weights(trainer.model_file(false)); }

class EveryModel : public testing::TestWithParam<std::string> {};

TEST_P(EveryModel, LearnsAndRepeatsExactly) {
    const auto workspace = std::make_shared<Workspace>();
    Trainer a(small(GetParam()), workspace, {}), b(small(GetParam()), workspace, {});
    const double before = a.evaluate().loss;
    while (!a.finished()) {
        ASSERT_TRUE(a.step().finite);
        b.step();
    }
    EXPECT_LT(a.evaluate().loss, before);
    EXPECT_EQ(weights(a), weights(b));
}

/// A file's model judged without a trainer, and what its errors would do: of each tensor, and of a linear
/// layer by the inputs that its columns meet.
TEST_P(EveryModel, IsJudgedAndCalibratedFromItsFile) {
    ExperimentConfig config = small(GetParam());
    config.standardise = true;
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    for (int i = 0; i < 30; ++i) trainer.step();
    const ModelFile file = trainer.model_file(false);
    const FileJudge judge(file.config, config.dataset, config.data, config.dataset_options, "cpu", {});
    EXPECT_EQ(judge.evaluate(file).accuracy, trainer.evaluate().accuracy);
    const Importances importances = judge.calibrate(file, {});
    std::size_t tensors = 0;
    for (const LayerRecord& layer : file.layers) {
        if (layer.kind == "standardise") continue;
        for (const NamedTensor& tensor : layer.tensors) {
            ++tensors;
            const std::string name = layer.name + "/" + tensor.name;
            ASSERT_TRUE(importances.contains(name)) << name;
            const Importance& importance = importances.at(name);
            EXPECT_TRUE(std::isfinite(importance.scale) && importance.scale > 0) << name;
            const bool linear = layer.kind == "dense" && tensor.tensor.shape.rank() == 2;
            EXPECT_EQ(std::ssize(importance.column), linear ? tensor.tensor.shape[1] : 0) << name;
        }
        // Standardised inputs have mean squares near one, but for those that never vary.
        if (layer.kind == "dense" && &layer == &file.layers[1]) {
            for (const float square : importances.at(layer.name + "/weight").column)
                EXPECT_TRUE(square == 0 || std::abs(square - 1) < 0.5F) << square;
        }
    }
    EXPECT_EQ(importances.size(), tensors);
}

/// Stopped in the middle of an epoch, through a file, in a new trainer.
TEST_P(EveryModel, ResumesBitForBit) {
    const auto workspace = std::make_shared<Workspace>();
    for (const char* optimiser : {"adam", "sgd", "golden"}) {
        ExperimentConfig config = small(GetParam());
        config.optimiser = optimiser;
        config.schedule = config.optimiser == "sgd" ? "cosine" : "constant";
        config.learning_rate = 1e-3;
        config.standardise = true;
        Trainer whole(config, workspace, {}), first(config, workspace, {});
        while (!whole.finished()) whole.step();
        for (int i = 0; i < 25; ++i) first.step();
        const TempFile file("resume.h5");
        write_model_file(file.string(), first.model_file(true));
        Trainer second(config, workspace, {});
        second.restore(read_model_file(file.string()));
        EXPECT_EQ(second.step_count(), 25);
        while (!second.finished()) second.step();
        EXPECT_EQ(weights(whole), weights(second)) << optimiser;
        EXPECT_EQ(whole.history().loss, second.history().loss) << optimiser;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryModel,
                         testing::Values("purefft", "purefft-complex", "purefft-per-sample", "logistic",
                                         "mlp", "global-filter"));

TEST(Trainer, HoldsOutAValidationSet) {
    ExperimentConfig config = small();
    config.validation = 0.2;
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    EXPECT_EQ(trainer.info().train_samples, 800);
    EXPECT_EQ(trainer.info().evaluated_on, "validation");
    EXPECT_EQ(trainer.evaluate().samples, 200);
}

/// The mistakes are looked for in the whole set, not among the first samples.
TEST(Trainer, KeepsTheFirstMistakesBesideTheFirstSamples) {
    Trainer trainer(small(), std::make_shared<Workspace>(), {});
    for (int i = 0; i < 8; ++i) trainer.step();
    const Evaluation all = trainer.evaluate(1000000), few = trainer.evaluate(7);
    std::int64_t right = 0;
    const std::size_t classes = all.class_names.size();
    for (std::size_t k = 0; k < classes; ++k) right += all.confusion[k * classes + k];
    ASSERT_GT(right, 0);
    ASSERT_GT(all.samples - right, 7);
    EXPECT_EQ(static_cast<std::int64_t>(all.examples.size()), all.samples);
    EXPECT_EQ(static_cast<std::int64_t>(all.mistakes.size()), all.samples - right);
    ASSERT_EQ(few.examples.size(), 7U);
    ASSERT_EQ(few.mistakes.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_NE(few.mistakes[i].prediction, few.mistakes[i].truth);
        EXPECT_EQ(few.mistakes[i].index, all.mistakes[i].index);
        EXPECT_EQ(few.mistakes[i].values.values.size(), few.examples[i].values.values.size());
    }
    EXPECT_TRUE(trainer.evaluate(0).mistakes.empty());
}

TEST(Trainer, StandardisesAndTheModelFileRemembersHow) {
    ExperimentConfig config = small("logistic");
    config.standardise = true;
    const auto workspace = std::make_shared<Workspace>();
    Trainer trainer(config, workspace, {});
    while (!trainer.finished()) trainer.step();
    const Evaluation evaluation = trainer.evaluate();
    const ModelFile file = trainer.model_file(true);
    ASSERT_EQ(file.layers.size(), 2U);
    EXPECT_EQ(file.layers[0].kind, "standardise");
    EXPECT_EQ(evaluate_file(file, "tones", "", config.dataset_options, "cpu", {}).loss, evaluation.loss);
    EXPECT_EQ(trainer.info().parameters,
              file.layers[1].tensors[0].tensor.shape.size() + file.layers[1].tensors[1].tensor.shape.size());

    ModelFile damaged = file;
    damaged.layers[0].tensors[1].tensor = damaged.layers[1].tensors[1].tensor;
    EXPECT_THROW(evaluate_file(damaged, "tones", "", config.dataset_options, "cpu", {}), Error);
    ModelFile without = file;
    without.layers.erase(without.layers.begin());
    EXPECT_THROW(trainer.restore(without), Error);
}

TEST(Trainer, NoticesNumbersThatAreNotBeforeTheWeightsChange) {
    for (const char* model : {"purefft", "mlp"}) {
        ExperimentConfig config = small(model);
        config.optimiser = "sgd";
        config.learning_rate = 1e30;
        Trainer trainer(config, std::make_shared<Workspace>(), {});
        std::vector<float> before = weights(trainer);
        Trainer::StepResult step;
        for (int i = 0; i < 50; ++i) {
            before = weights(trainer);
            step = trainer.step();
            if (!step.finite) break;
        }
        EXPECT_FALSE(step.finite) << model;
        EXPECT_FALSE(step.trouble.empty()) << model;
        EXPECT_EQ(weights(trainer), before) << model;
    }
}

TEST(Trainer, RefusesAFileOfAnotherExperiment) {
    const auto workspace = std::make_shared<Workspace>();
    Trainer logistic(small("logistic"), workspace, {}), purefft(small(), workspace, {});
    EXPECT_THROW(purefft.restore(logistic.model_file(true)), Error);
    ExperimentConfig other = small();
    other.dataset_options["data_seed"] = 99;
    Trainer other_data(other, workspace, {});
    EXPECT_THROW(other_data.restore(purefft.model_file(true)), Error);
}

/// Drains until `ready` or the run is over.
template <class Ready>
Updates drain_until(TrainingRun& run, const Ready& ready) {
    Updates all;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < deadline) {
        const bool done = run.done();
        run.wait_for_updates(20ms);
        Updates now = run.take_updates();
        all.steps.insert(all.steps.end(), now.steps.begin(), now.steps.end());
        all.evaluations.insert(all.evaluations.end(), now.evaluations.begin(), now.evaluations.end());
        if (now.state) all.state = now.state;
        if (now.trouble) all.trouble = now.trouble;
        if (!now.activity.empty()) all.activity = now.activity;
        if (now.learning_rate) all.learning_rate = now.learning_rate;
        all.patterns.insert(all.patterns.end(), now.patterns.begin(), now.patterns.end());
        if (ready(all) || done) break;
    }
    return all;
}

TEST(TrainingRun, IsDoneOnceItHasToldItsEnd) {
    ExperimentConfig config = small();
    config.epochs = 1000000;
    for (int times = 0; times < 100; ++times) {
        TrainingRun run(config, {});
        run.send(command::Stop{});
        Updates now;
        while (!now.state || !is_end(*now.state)) now = run.take_updates();
        ASSERT_TRUE(run.done()) << "the " << times + 1 << "th time";
        EXPECT_EQ(run.result().state, RunState::stopped);
    }
}

TEST(TrainingRun, ObeysCommands) {
    ExperimentConfig config = small();
    config.epochs = 1000000;
    RunOptions options;
    options.send_snapshots = true;
    TrainingRun run(config, options);
    EXPECT_FALSE(drain_until(run, [](const Updates& u) { return u.steps.size() > 20; }).steps.empty());
    run.send(command::Pause{});
    drain_until(run, [](const Updates& u) { return u.state == RunState::paused; });
    run.send(command::Step{});
    run.send(command::SetLearningRate{0.5});
    const Updates stepped =
        drain_until(run, [](const Updates& u) { return u.learning_rate && !u.steps.empty(); });
    EXPECT_EQ(stepped.steps.size(), 1U);
    EXPECT_EQ(stepped.learning_rate, 0.5);
    run.send(command::Stop{});
    const Updates end = drain_until(run, [](const Updates& u) { return u.state == RunState::stopped; });
    EXPECT_EQ(end.state, RunState::stopped);
    EXPECT_TRUE(end.steps.empty());
    EXPECT_EQ(run.result().state, RunState::stopped);
}

/// Stopped in the middle of an epoch, after it and before its first step; its file goes on to the end.
TEST(TrainingRun, StopsLeaveNoTraceInTheHistory) {
    ExperimentConfig config = small();  // 16 batches an epoch
    const TempFile whole("whole.h5"), stopped("stopped.h5");
    RunOptions options;
    options.out = whole.string();
    ASSERT_EQ(TrainingRun(config, options).result().state, RunState::finished);
    options.out = stopped.string();
    options.start_paused = true;
    for (const std::size_t steps : {0U, 20U, 12U}) {
        TrainingRun run(config, options);
        for (std::size_t i = 0; i < steps; ++i) run.send(command::Step{});
        drain_until(run, [&](const Updates& u) { return u.state && u.steps.size() >= steps; });
        run.send(command::Stop{});
        ASSERT_EQ(run.result().state, RunState::stopped);
        options.resume = options.out;
    }
    const ModelFile between = read_model_file(stopped.string());
    EXPECT_EQ(between.checkpoint->step, 32);
    EXPECT_TRUE(between.metrics.contains("test_loss"));
    options.start_paused = false;
    ASSERT_EQ(TrainingRun(config, options).result().state, RunState::finished);
    const History a = read_model_file(whole.string()).history, b = read_model_file(stopped.string()).history;
    EXPECT_EQ(a.step, b.step);
    EXPECT_EQ(a.loss, b.loss);
    EXPECT_EQ(a.accuracy, b.accuracy);
    EXPECT_EQ(a.test_step, b.test_step);
    EXPECT_EQ(a.test_loss, b.test_loss);
    EXPECT_EQ(a.test_accuracy, b.test_accuracy);
}

TEST(TrainingRun, KeepsTheRateAtTheEndBesideTheFirst) {
    ExperimentConfig config = small();
    config.learning_rate = 0.002;
    const TempFile file("rate.h5");
    RunOptions options;
    options.out = file.string();
    options.start_paused = true;
    TrainingRun run(config, options);
    run.send(command::SetLearningRate{0.5});
    run.send(command::Step{});
    drain_until(run, [](const Updates& u) { return !u.steps.empty(); });
    run.send(command::Stop{});
    ASSERT_EQ(run.result().state, RunState::stopped);
    const ModelFile found = read_model_file(file.string());
    EXPECT_EQ(found.config["learning_rate"], 0.002);
    EXPECT_EQ(found.learning_rate, 0.5);
    EXPECT_EQ(found.checkpoint->learning_rate, 0.5);
}

TEST(TrainingRun, PausesOnTroubleAndRecovers) {
    ExperimentConfig config = small();
    config.optimiser = "sgd";
    config.learning_rate = 1e30;
    RunOptions options;
    options.send_snapshots = true;
    TrainingRun run(config, options);
    const Updates trouble =
        drain_until(run, [](const Updates& u) { return u.trouble && u.state == RunState::paused; });
    ASSERT_TRUE(trouble.trouble);
    EXPECT_LT(trouble.trouble->suggested_learning_rate, trouble.trouble->learning_rate);
    run.send(command::Recover{1e-3});
    const Updates end = drain_until(run, [](const Updates& u) { return u.state == RunState::finished; });
    EXPECT_EQ(end.state, RunState::finished);
    EXPECT_EQ(end.learning_rate, 1e-3);
}

TEST(TrainingRun, StepsAllowedBeforeTroubleAreNotTakenAfterIt) {
    ExperimentConfig config = small();
    config.epochs = 1000000;
    config.optimiser = "sgd";
    config.learning_rate = 1e30;
    RunOptions options;
    options.send_snapshots = options.start_paused = true;
    TrainingRun run(config, options);
    for (int i = 0; i < 40; ++i) run.send(command::Step{});
    ASSERT_TRUE(drain_until(run, [](const Updates& u) { return u.trouble.has_value(); }).trouble);
    run.send(command::Recover{1e-3});
    run.send(command::Pause{});
    run.send(command::SetLearningRate{0.5});
    drain_until(run, [](const Updates& u) { return u.learning_rate == 0.5; });
    std::this_thread::sleep_for(50ms);
    run.send(command::SetLearningRate{0.25});
    const Updates later = drain_until(run, [](const Updates& u) { return u.learning_rate == 0.25; });
    EXPECT_EQ(later.learning_rate, 0.25);
    EXPECT_TRUE(later.steps.empty()) << later.steps.size() << " steps while it stood";
}

TEST(TrainingRun, FailsWithAMessageWhenNobodyIsThereToAnswer) {
    ExperimentConfig config = small();
    config.optimiser = "sgd";
    config.learning_rate = 1e30;
    TrainingRun run(config, {});
    const RunResult result = run.result();
    EXPECT_EQ(result.state, RunState::failed);
    EXPECT_FALSE(result.bad_input);
    EXPECT_NE(result.error.find("not finite"), std::string::npos);
    EXPECT_FALSE(result.hint.empty());
}

TEST(TrainingRun, IsCancelledWhileItPrepares) {
    ExperimentConfig config = small();
    config.dataset_options = {{"train_samples", 100000}, {"length", 256}};
    TrainingRun run(config, {});
    drain_until(run, [](const Updates& u) { return !u.activity.empty(); });
    run.send(command::Stop{});
    const RunResult result = run.result();
    EXPECT_EQ(result.state, RunState::stopped);
    EXPECT_EQ(result.steps, 0);
    EXPECT_TRUE(result.info.model.empty()) << "it was ready before it was cancelled";
}

/// One batch an epoch: the update that spoils the weights is the last of its epoch, and no batch has shown it
/// when the checkpoint is due.
TEST(TrainingRun, SpoiltWeightsAreNoCheckpoint) {
    ExperimentConfig config = small();
    config.dataset_options["train_samples"] = 200;
    config.batch = 200;
    config.optimiser = "sgd";
    config.learning_rate = 1e30;
    const TempFile file("spoilt.h5");
    RunOptions options;
    options.out = file.string();
    {
        TrainingRun run(config, options);
        const RunResult result = run.result();
        EXPECT_EQ(result.state, RunState::failed);
        EXPECT_NE(result.error.find("spoilt"), std::string::npos) << result.error;
    }
    EXPECT_EQ(read_model_file(file.string()).checkpoint->step, 0);
    RunOptions again = options;
    again.resume = options.out;
    again.resume_changes = {{"learning_rate", 1e-3}};
    EXPECT_EQ(TrainingRun(ExperimentConfig(), again).result().state, RunState::finished);

    options.send_snapshots = true;  // somebody is there: pauses, and stopping then keeps the good state too
    TrainingRun run(config, options);
    drain_until(run, [](const Updates& u) { return u.trouble && u.state == RunState::paused; });
    run.send(command::Stop{});
    EXPECT_EQ(run.result().state, RunState::stopped);
    EXPECT_EQ(read_model_file(file.string()).checkpoint->step, 0);
}

TEST(TrainingRun, SnapshotsFollowTheRunFromItsFirstSteps) {
    ExperimentConfig config = small();
    config.epochs = 1000000;
    RunOptions options;
    options.send_snapshots = true;
    TrainingRun run(config, options);
    Updates all = drain_until(run, [](const Updates& u) { return u.patterns.size() >= 3; });
    ASSERT_GE(all.patterns.size(), 3U);
    run.send(command::Stop{});
    const RunResult result = run.result();
    const Updates last = run.take_updates();
    all.patterns.insert(all.patterns.end(), last.patterns.begin(), last.patterns.end());
    EXPECT_EQ(all.patterns.front()->step, 0);
    EXPECT_EQ(all.patterns.back()->step, result.steps);
    // The end shows its step even where that was just shown.
    for (std::size_t i = 1; i < all.patterns.size(); ++i)
        EXPECT_LE(all.patterns[i - 1]->step, all.patterns[i]->step);
    EXPECT_LT(all.patterns[0]->step, all.patterns[1]->step);
    EXPECT_LT(all.patterns[1]->step, all.patterns[2]->step);
}

TEST(Workspace, KeepsFeaturesAndLetsThemGoWhereMemoryIsShort) {
    Workspace workspace;
    ExperimentConfig config = small();
    config.dataset_options["train_samples"] = 40000;
    const auto dataset = workspace.dataset(config.dataset, "", config.dataset_options, {});
    const auto backend = open_backend("cpu", 1);
    auto first = workspace.features(dataset, "rfft_magnitude", "cpu", 1, *backend, {});
    EXPECT_EQ(workspace.features(dataset, "rfft_magnitude", "cpu", 1, *backend, {}), first);
    EXPECT_NE(workspace.features(dataset, "raw", "cpu", 1, *backend, {}), first);
    const std::size_t kept = workspace.budget().total().current;
    first.reset();
    workspace.budget().set_limit(kept + 6'000'000);  // room for the work, not for a third matrix beside two
    EXPECT_EQ(workspace.features(dataset, "log_magnitude", "cpu", 1, *backend, {})->feature, "log_magnitude");
    EXPECT_LT(workspace.budget().total().current, kept);
}

TEST(Trainer, TimesWholeEpochsOnly) {
    const auto workspace = std::make_shared<Workspace>();
    Trainer first(small(), workspace, {}), second(small(), workspace, {});
    for (int i = 0; i < 20; ++i) first.step();  // 16 batches an epoch
    second.restore(first.model_file(true));
    EXPECT_EQ(second.epoch_seconds().size(), 1U);
    while (second.epochs_done() < 3) second.step();
    EXPECT_EQ(second.epoch_seconds().size(), 2U) << "the epoch that was cut in two is not timed";
}

TEST(PatternsOf, AreThoseOfTheModelAndNothingIsBelieved) {
    for (const char* model : {"purefft", "purefft-complex", "mlp"}) {
        Trainer trainer(small(model), std::make_shared<Workspace>(), {});
        trainer.step();
        const ModelFile file = trainer.model_file(false);
        const auto expected = trainer.patterns(), found = patterns_of(file, "file");
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_EQ(found[i].name, expected[i].name);
            EXPECT_EQ(found[i].values.values, expected[i].values.values) << found[i].name;
        }
        ModelFile promising = file;
        promising.config["model_options"][std::string(model) == "mlp" ? "hidden" : "patterns"] = 200;
        EXPECT_THROW(patterns_of(promising, "file"), Error);
        ModelFile empty = file;
        empty.layers[0].tensors[0].tensor = {Shape{std::int64_t{1} << 31, 0}, {}};
        EXPECT_THROW(patterns_of(empty, "file"), Error);
    }
}

TEST(TrainingRun, SaysWhenMemoryRunsOut) {
    ExperimentConfig config = small();
    config.memory_mib = 1;
    config.dataset_options["train_samples"] = 20000;
    TrainingRun run(config, {});
    const RunResult result = run.result();
    EXPECT_EQ(result.state, RunState::failed);
    EXPECT_TRUE(result.bad_input);
    EXPECT_NE(result.error.find("MiB limit"), std::string::npos) << result.error;
}

}  // namespace
}  // namespace spectral::test

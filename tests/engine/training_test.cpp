// Runs: reproducible, resumable bit for bit, commanded from outside, safe against numbers that are not.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "engine/core/error.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/run.hpp"
#include "engine/train/trainer.hpp"

namespace spectral::test {
namespace {

using namespace std::chrono_literals;

ExperimentConfig small(std::string model = "purefft") {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 1000}, {"test_samples", 200}, {"length", 64}};
    config.model = std::move(model);
    config.batch = 64;
    config.epochs = 4;
    config.seed = 3;
    return resolved(config);
}

std::vector<float> weights(Trainer& trainer) {
    std::vector<float> all;
    for (const LayerRecord& layer : trainer.model_file(false).layers)
        for (const NamedTensor& tensor : layer.tensors)
            all.insert(all.end(), tensor.tensor.values.begin(), tensor.tensor.values.end());
    return all;
}

class TempFile {
public:
    explicit TempFile(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name)) {}
    ~TempFile() { std::filesystem::remove(path_); }
    std::string string() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

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

/// Stopped in the middle of an epoch, through a file, in a new trainer.
TEST_P(EveryModel, ResumesBitForBit) {
    const auto workspace = std::make_shared<Workspace>();
    for (const char* optimiser : {"adam", "sgd", "golden"}) {
        ExperimentConfig config = small(GetParam());
        config.optimiser = optimiser;
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

INSTANTIATE_TEST_SUITE_P(Models, EveryModel, testing::Values("purefft", "logistic", "mlp"));

TEST(Trainer, HoldsOutAValidationSet) {
    ExperimentConfig config = small();
    config.validation = 0.2;
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    EXPECT_EQ(trainer.info().train_samples, 800);
    EXPECT_EQ(trainer.info().evaluated_on, "validation");
    EXPECT_EQ(trainer.evaluate().samples, 200);
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
        if (now.learning_rate) all.learning_rate = now.learning_rate;
        if (now.patterns) all.patterns = now.patterns;
        if (ready(all) || done) break;
    }
    return all;
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
    config.dataset = "strokes";
    config.dataset_options = Json::object();
    TrainingRun run(config, {});
    run.send(command::Stop{});
    EXPECT_EQ(run.result().state, RunState::stopped);
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

// Weights that somebody else gives: patterns and their way back into a parameter, parameters replaced in a
// run, and runs that start from a model file.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "engine/nn/learned_pattern.hpp"
#include "engine/train/run.hpp"
#include "engine/train/start.hpp"
#include "engine/train/trainer.hpp"
#include "tests/engine/small_runs.hpp"

namespace spectral::test {
namespace {

using namespace std::chrono_literals;

ExperimentConfig three_short_epochs(const std::string& model = "purefft") {
    ExperimentConfig config = small(model);
    config.dataset_options["train_samples"] = 640;  // ten batches
    config.epochs = 3;
    return config;
}

NamedTensor& tensor_of(ModelFile& file, const std::string& parameter) {
    for (LayerRecord& layer : file.layers)
        for (NamedTensor& tensor : layer.tensors)
            if (layer.name + "/" + tensor.name == parameter) return tensor;
    throw Error(parameter, "is not in the file");
}

/// As Trainer::replace() should, on a checkpoint of purefft by hand. Its pool is the first parameter.
ModelFile replaced_by_hand(ModelFile file, const ParameterPart& part) {
    const auto put = [&](std::vector<float>& values, const auto& value_at) {
        for (std::size_t i = 0; i < part.values.size(); ++i)
            values[static_cast<std::size_t>(part.first) + i] = value_at(i);
    };
    put(tensor_of(file, part.parameter).tensor.values, [&](std::size_t i) { return part.values[i]; });
    int moments = 0;
    for (NamedTensor& state : file.checkpoint->optimiser) {
        if (!state.name.ends_with("_0")) continue;
        put(state.tensor.values, [](std::size_t) { return 0.0F; });
        ++moments;
    }
    EXPECT_GE(moments, 1);
    return file;
}

/// The second row of the pool of purefft.
ParameterPart second_row() {
    ParameterPart part{"purefft/pool", 33, {}};
    for (int i = 0; i < 33; ++i) part.values.push_back(0.1F * std::sin(static_cast<float>(i)));
    return part;
}

TEST(Replacing, IsAsIfTheParameterHadBeenSo) {
    const auto workspace = std::make_shared<Workspace>();
    for (const char* optimiser : {"adam", "sgd", "golden"}) {
        ExperimentConfig config = three_short_epochs();
        config.optimiser = optimiser;
        Trainer replaced(config, workspace, {}), by_hand(config, workspace, {}), left(config, workspace, {});
        for (int i = 0; i < 13; ++i) {
            replaced.step();
            left.step();
        }
        by_hand.restore(replaced_by_hand(replaced.model_file(true), second_row()));
        replaced.replace(second_row());
        while (!replaced.finished()) {
            replaced.step();
            by_hand.step();
            left.step();
        }
        const ModelFile file = replaced.model_file(true);
        EXPECT_EQ(weights(file), weights(by_hand.model_file(true))) << optimiser;
        EXPECT_NE(weights(file), weights(left.model_file(true))) << optimiser;
        EXPECT_EQ(file.provenance.replacements, 1);
        EXPECT_EQ(file.provenance.replaced, (std::vector<Replacement>{{"purefft/pool", 13, 33, 33}}));
        Trainer resumed(config, workspace, {});
        resumed.restore(file);
        EXPECT_EQ(resumed.model_file(true).provenance.replaced, file.provenance.replaced);
    }
}

TEST(Replacing, RefusesWhatDoesNotFitAndChangesNothing) {
    Trainer trainer(three_short_epochs(), std::make_shared<Workspace>(), {});
    trainer.step();
    const std::vector<float> before = weights(trainer.model_file(true));
    const auto refused = [&](ParameterPart part, const std::string& field, const std::string& says) {
        try {
            trainer.replace(part);
            ADD_FAILURE() << says;
        } catch (const BadValue& error) {
            EXPECT_EQ(error.field(), field);
            EXPECT_NE((error.what() + error.hint()).find(says), std::string::npos)
                << error.what() << error.hint();
        }
    };
    refused({"purefft/pol", 0, {1}}, "parameter", "purefft/pool, purefft/layer_patterns");
    refused({"purefft/pool", 0, {}}, "values", "none");
    refused({"purefft/pool", 0, std::vector<float>(8 * 33 + 1)}, "values", "8 × 33");
    refused({"purefft/pool", 8 * 33, {1}}, "values", "no room");
    refused({"purefft/pool", -1, {1}}, "values", "no room");
    refused({"purefft/pool", std::numeric_limits<std::int64_t>::max(), {1}}, "values", "no room");
    refused({"purefft/pool", 33, {1, std::numeric_limits<float>::infinity()}}, "values", "1, 1");
    refused({"purefft/pool", 0, {std::numeric_limits<float>::quiet_NaN()}}, "values", "finite");
    EXPECT_EQ(weights(trainer.model_file(true)), before);
    EXPECT_EQ(trainer.replacements(), 0);
}

TEST(Replacing, NoStatisticOfTraining) {
    ExperimentConfig config = three_short_epochs("cnn");
    config.features = "raw";
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    const ModelFile file = trainer.model_file(false);
    int statistics = 0;
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& tensor : layer.tensors)
            if (!tensor.trained) {
                EXPECT_THROW(trainer.replace({layer.name + "/" + tensor.name, 0, {1}}), BadValue);
                ++statistics;
            }
    EXPECT_GT(statistics, 0);
}

TEST(Replacing, KeepsTheLastOfManyInTheFile) {
    Trainer trainer(three_short_epochs(), std::make_shared<Workspace>(), {});
    for (int i = 0; i < 70; ++i) trainer.replace({"purefft/pool", i, {0.5F}});
    const TempFile path("many.h5");
    write_model_file(path.string(), trainer.model_file(false));
    const Provenance found = read_model_file(path.string()).provenance;
    EXPECT_EQ(found.replacements, 70);
    ASSERT_EQ(found.replaced.size(), kMostReplacements);
    EXPECT_EQ(found.replaced.back(), (Replacement{"purefft/pool", 0, 69, 1}));
}

/// Waits until the run has told of `steps` steps and `replacements` replacements.
Updates wait_for(TrainingRun& run, std::size_t steps, std::size_t replacements) {
    Updates all;
    while ((all.steps.size() < steps || all.replacements.size() < replacements) && !run.done()) {
        run.wait_for_updates(1s);
        Updates now = run.take_updates();
        all.steps.insert(all.steps.end(), now.steps.begin(), now.steps.end());
        all.replacements.insert(all.replacements.end(), now.replacements.begin(), now.replacements.end());
        all.patterns.insert(all.patterns.end(), now.patterns.begin(), now.patterns.end());
    }
    return all;
}

/// Paused: where it stands is known. After 10 steps an epoch has just ended and been judged, and its state is
/// the last good one; neither may stand for the new weights.
TEST(Replacing, IsACommandOfTheRun) {
    for (const std::size_t steps : {0U, 7U, 10U}) {
        const TempFile path("commanded.h5");
        RunOptions options;
        options.out = path.string();
        options.start_paused = options.send_snapshots = true;
        options.checkpoint_seconds = 0;
        TrainingRun run(three_short_epochs(), options);
        for (std::size_t i = 0; i < steps; ++i) run.send(command::Step{});
        wait_for(run, steps, 0);
        run.send(command::ReplaceParameter{second_row()});
        run.send(command::ReplaceParameter{{"purefft/pol", 0, {1}}});
        Updates told = wait_for(run, 0, 2);
        ASSERT_EQ(told.replacements.size(), 2U);
        EXPECT_EQ(told.replacements[0].parameter, "purefft/pool");
        EXPECT_EQ(told.replacements[0].step, static_cast<std::int64_t>(steps));
        EXPECT_TRUE(told.replacements[0].problem.empty()) << told.replacements[0].problem;
        EXPECT_NE(told.replacements[1].problem.find("purefft/pol"), std::string::npos);
        EXPECT_FALSE(told.replacements[1].hint.empty());
        for (int i = 0; i < 4; ++i) run.send(command::Step{});
        wait_for(run, 4, 0);
        run.send(command::Stop{});
        ASSERT_EQ(run.result().state, RunState::stopped);

        Trainer by_hand(three_short_epochs(), std::make_shared<Workspace>(), {});
        for (std::size_t i = 0; i < steps; ++i) by_hand.step();
        by_hand.restore(replaced_by_hand(by_hand.model_file(true), second_row()));
        for (int i = 0; i < 4; ++i) by_hand.step();
        const ModelFile file = read_model_file(path.string());
        EXPECT_EQ(weights(file), weights(by_hand.model_file(true))) << steps;
        EXPECT_EQ(file.metrics["test_loss"], by_hand.evaluate().loss) << steps;
        EXPECT_EQ(file.provenance.replacements, 1);
    }
}

/// A stop directly behind it: the final state and its metrics are those of the new weights.
TEST(Replacing, IsInTheFileOfARunThatEndsThere) {
    const TempFile path("ended.h5");
    RunOptions options;
    options.out = path.string();
    options.start_paused = true;
    TrainingRun run(three_short_epochs(), options);
    for (int i = 0; i < 10; ++i) run.send(command::Step{});
    wait_for(run, 10, 0);
    run.send(command::ReplaceParameter{second_row()});
    run.send(command::Stop{});
    ASSERT_EQ(run.result().state, RunState::stopped);
    ModelFile file = read_model_file(path.string());
    const std::vector<float>& pool = tensor_of(file, "purefft/pool").tensor.values;
    EXPECT_EQ(std::vector<float>(pool.begin() + 33, pool.begin() + 66), second_row().values);
    Trainer judge(three_short_epochs(), std::make_shared<Workspace>(), {});
    judge.restore(file);
    EXPECT_EQ(file.metrics["test_loss"], judge.evaluate().loss);
}

TEST(Replacing, WhileTheRunTrains) {
    ExperimentConfig config = three_short_epochs();
    config.epochs = 1000000;
    RunOptions options;
    options.send_snapshots = true;
    TrainingRun run(config, options);
    wait_for(run, 5, 0);
    for (int i = 0; i < 20; ++i) run.send(command::ReplaceParameter{second_row()});
    const Updates told = wait_for(run, 0, 20);
    ASSERT_EQ(told.replacements.size(), 20U);
    for (const ReplacementReport& each : told.replacements) EXPECT_TRUE(each.problem.empty());
    EXPECT_GT(told.replacements.back().step, 0);
}

/// What a page shows can be written back: patterns taken and put leave the network what it was.
TEST(LearnedPatterns, GoBackWhereTheyCameFrom) {
    const auto workspace = std::make_shared<Workspace>();
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget(MemoryBudget::kUnlimited);
    for (const char* model :
         {"purefft", "purefft-complex", "purefft-per-sample", "logistic", "mlp", "global-filter", "cnn"}) {
        Trainer trainer(three_short_epochs(model), workspace, {});
        for (int i = 0; i < 3; ++i) trainer.step();
        const double loss = trainer.evaluate().loss;
        const auto before = trainer.patterns();
        std::size_t written = 0;
        for (const PatternSnapshot::Matrix& matrix : before) {
            const std::int64_t count = pattern_count(matrix);
            for (std::int64_t i = 0; i < count; ++i) {
                const HostTensor pattern = pattern_of(matrix, i);
                EXPECT_TRUE(std::ranges::all_of(pattern.values, [](float v) { return std::isfinite(v); }));
                if (!matrix.origin) continue;
                trainer.replace(part_of({*backend, budget}, matrix, i, pattern));
                ++written;
            }
            if (!is_plane(matrix)) continue;
            EXPECT_EQ(pattern_of(matrix, std::nullopt).values, matrix.values.values);
            if (matrix.origin)
                trainer.replace(part_of({*backend, budget}, matrix, std::nullopt, matrix.values));
        }
        EXPECT_EQ(written == 0, std::string(model) == "purefft-complex") << model;
        EXPECT_NEAR(trainer.evaluate().loss, loss, 1e-5) << model;
        const auto after = trainer.patterns();
        for (std::size_t m = 0; m < before.size(); ++m) {
            if (!before[m].origin) continue;
            for (std::size_t i = 0; i < before[m].values.values.size(); ++i)
                if (std::isfinite(before[m].values.values[i])) {
                    ASSERT_NEAR(after[m].values.values[i], before[m].values.values[i], 1e-6) << model;
                }
        }
    }
}

/// One pattern doubled: that one is what the page shows next, and no other has moved.
TEST(LearnedPatterns, OneIsReplacedAlone) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget(MemoryBudget::kUnlimited);
    for (const char* dataset : {"tones", "strokes"}) {  // signals of one axis and of two
        ExperimentConfig config = three_short_epochs("global-filter");
        config.dataset = dataset;
        config.dataset_options = {{"train_samples", 200}, {"test_samples", 100}};
        config.model_options = Json::object();
        Trainer trainer(resolved(config), std::make_shared<Workspace>(), {});
        trainer.step();
        const PatternSnapshot::Matrix before = trainer.patterns()[2];
        ASSERT_GE(pattern_count(before), 6);
        EXPECT_FALSE(is_plane(before));
        for (const std::int64_t changed : {0, 5}) {
            const PatternSnapshot::Matrix now = trainer.patterns()[2];
            HostTensor pattern = pattern_of(now, changed);
            EXPECT_EQ(pattern.shape.rank(), std::string(dataset) == "tones" ? 1 : 2);
            for (float& value : pattern.values) value *= 2;
            trainer.replace(part_of({*backend, budget}, now, changed, pattern));
            const PatternSnapshot::Matrix after = trainer.patterns()[2];
            for (std::int64_t i = 0; i < pattern_count(now); ++i) {
                const HostTensor expected = i == changed ? pattern : pattern_of(now, i);
                const HostTensor found = pattern_of(after, i);
                for (std::size_t at = 0; at < expected.values.size(); ++at)
                    ASSERT_NEAR(found.values[at], expected.values[at], 1e-6) << i;
            }
        }
    }
}

TEST(Start, FileWithAPartReplaced) {
    ExperimentConfig config = three_short_epochs();
    config.standardise = true;
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    for (int i = 0; i < 4; ++i) trainer.step();
    trainer.evaluate();
    ModelFile before = trainer.model_file(true);
    ModelFile start = starting_point(before, second_row());
    EXPECT_FALSE(start.checkpoint);
    EXPECT_TRUE(start.metrics.empty());
    EXPECT_EQ(start.provenance.replaced, (std::vector<Replacement>{{"purefft/pool", 4, 33, 33}}));
    trainer.replace(second_row());
    EXPECT_EQ(weights(start), weights(trainer.model_file(false)));
    for (const ParameterPart& bad :
         {ParameterPart{"purefft/pol", 0, {1}}, ParameterPart{"input/mean", 0, {1}},
          ParameterPart{"purefft/pool", 8 * 33, {1}}, ParameterPart{"purefft/pool", 0, {}}})
        EXPECT_THROW(starting_point(before, bad), BadValue) << bad.parameter;
}

TEST(Start, IsFromTheWeightsOfAFile) {
    for (const bool standardise : {false, true}) {
        ExperimentConfig config = three_short_epochs();
        config.standardise = standardise;
        const TempFile first("first.h5"), second("second.h5");
        RunOptions options;
        options.out = first.string();
        ASSERT_EQ(TrainingRun(config, options).result().state, RunState::finished);
        const ModelFile trained = read_model_file(first.string());

        config.start = first.string();
        config.seed = 8;
        options.out = second.string();
        options.start_paused = true;
        {
            TrainingRun run(config, options);
            run.send(command::Stop{});
            ASSERT_NE(run.result().state, RunState::failed) << run.result().error;
        }
        options.start_paused = false;
        const RunResult result = TrainingRun(config, options).result();
        ASSERT_EQ(result.state, RunState::finished) << result.error;
        const ModelFile found = read_model_file(second.string());
        EXPECT_EQ(found.config["start"], first.string());
        EXPECT_EQ(found.provenance.start_sha256, sha256_of_file(first.string()));
        EXPECT_LT(found.history.loss.front(), trained.history.loss.front());
        // The same by hand: those weights, and moments of nothing.
        ModelFile bare = trained;
        bare.checkpoint.reset();
        Trainer by_hand(config, std::make_shared<Workspace>(), {});
        by_hand.restore(bare);
        while (!by_hand.finished()) by_hand.step();
        EXPECT_EQ(weights(found), weights(by_hand.model_file(true)));
        // Who goes on has left the start behind.
        std::filesystem::remove(first.string());
        RunOptions on;
        on.out = on.resume = second.string();
        on.resume_changes = {{"epochs", 4}};
        EXPECT_EQ(TrainingRun(ExperimentConfig(), on).result().state, RunState::finished);
        EXPECT_EQ(read_model_file(second.string()).provenance.start_sha256, found.provenance.start_sha256);
    }
}

/// Somebody else writes the file again and again: either what was read is what was hashed, or there is no
/// run.
TEST(Start, RefusesAFileThatChangesWhileItIsRead) {
    const TempFile changing("changing.h5"), first("written.h5"), second("rewritten.h5"), next("next.h5");
    ExperimentConfig config = three_short_epochs();
    Trainer trainer(config, std::make_shared<Workspace>(), {});
    write_model_file(first.string(), trainer.model_file(false));
    trainer.step();
    write_model_file(second.string(), trainer.model_file(false));
    std::filesystem::copy_file(first.string(), changing.string());
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        for (int i = 0; !enough; ++i) {
            std::filesystem::copy_file((i % 2 == 0 ? second : first).string(), next.string(),
                                       std::filesystem::copy_options::overwrite_existing);
            std::filesystem::rename(next.string(), changing.string());
        }
    });
    config.start = changing.string();
    bool refused = false;
    for (int i = 0; i < 1000 && !refused; ++i) {
        RunOptions options;
        options.start_paused = true;
        TrainingRun run(config, options);
        run.send(command::Stop{});
        const RunResult result = run.result();
        if (result.state != RunState::failed) continue;
        refused = true;
        EXPECT_EQ(result.error, changing.string() + ": changed while it was read");
        EXPECT_TRUE(result.bad_input);
    }
    enough = true;
    writer.join();
    EXPECT_TRUE(refused);
}

TEST(Start, RefusesAnotherModelByTheOptionsName) {
    const TempFile file("start.h5");
    Trainer trainer(three_short_epochs(), std::make_shared<Workspace>(), {});
    write_model_file(file.string(), trainer.model_file(false));
    const auto refused = [&](const auto& change, const std::string& field) {
        ExperimentConfig config = three_short_epochs();
        config.start = file.string();
        change(config);
        const TempFile out("never.h5");
        RunOptions options;
        options.out = out.string();
        TrainingRun run(config, options);
        const RunResult result = run.result();
        EXPECT_EQ(result.state, RunState::failed) << field;
        EXPECT_TRUE(result.bad_input);
        EXPECT_FALSE(std::filesystem::exists(out.string()));
        try {
            std::rethrow_exception(result.cause);
        } catch (const BadValue& error) {
            EXPECT_EQ(error.field(), field) << error.what();
            EXPECT_FALSE(error.hint().empty());
        } catch (const Error& error) {
            EXPECT_EQ(field, "") << error.what();
        }
    };
    refused(
        [](ExperimentConfig& c) {
            c.model = "logistic";
            c.model_options = Json::object();
        },
        "model");
    refused([](ExperimentConfig& c) { c.model_options["patterns"] = 9; }, "patterns");
    refused([](ExperimentConfig& c) { c.features = "log_magnitude"; }, "features");
    refused([](ExperimentConfig& c) { c.standardise = true; }, "standardise");
    refused([](ExperimentConfig& c) { c.dataset_options["classes"] = 5; }, "start");
    refused([](ExperimentConfig& c) { c.start += ".absent"; }, "");
}

}  // namespace
}  // namespace spectral::test

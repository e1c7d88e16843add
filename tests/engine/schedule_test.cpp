// Learning rates that move through a run.
#include "engine/optim/schedule.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "engine/train/trainer.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

TEST(Schedule, FollowsItsFormula) {
    for (const double progress : {0.0, 0.3, 1.0}) EXPECT_EQ(schedule_factor("constant", progress), 1);
    EXPECT_EQ(schedule_factor("cosine", 0), 1);
    EXPECT_NEAR(schedule_factor("cosine", 1.0 / 3), 0.75, 1e-15);
    EXPECT_NEAR(schedule_factor("cosine", 0.5), 0.5, 1e-15);
    EXPECT_EQ(schedule_factor("cosine", 1), 0);
    EXPECT_EQ(schedule_factor("cosine", 1.5), 0);
    EXPECT_EQ(failure([] { schedule_factor("sudden", 0); }), "schedule 'sudden': unknown");
}

ExperimentConfig one_step_an_epoch(const std::string& schedule) {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 512}, {"test_samples", 128}, {"length", 64}};
    config.model = "logistic";
    config.optimiser = "sgd";
    config.momentum = 0;
    config.batch = 512;
    config.epochs = 2;
    config.schedule = schedule;
    return resolved(config);
}

/// Of two steps the second, half of the run being done, is half as long.
TEST(Schedule, ScalesTheRateOfEveryStep) {
    const auto workspace = std::make_shared<Workspace>();
    Trainer falling(one_step_an_epoch("cosine"), workspace, {}),
        by_hand(one_step_an_epoch("constant"), workspace, {});
    falling.step();
    by_hand.step();
    by_hand.set_learning_rate(by_hand.learning_rate() / 2);
    falling.step();
    by_hand.step();
    ASSERT_TRUE(falling.finished());
    const ModelFile fallen = falling.model_file(false), set = by_hand.model_file(false);
    for (std::size_t layer = 0; layer < fallen.layers.size(); ++layer)
        for (std::size_t i = 0; i < fallen.layers[layer].tensors.size(); ++i)
            EXPECT_EQ(fallen.layers[layer].tensors[i].tensor.values,
                      set.layers[layer].tensors[i].tensor.values);
}

}  // namespace
}  // namespace spectral::test

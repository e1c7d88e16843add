// Packing and fine-tuning to a number of bytes, and the memory that it counts.
#include "engine/train/fine_tune.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "engine/core/own_device.hpp"
#include "engine/core/random.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/trainer.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

ExperimentConfig experiment() {
    ExperimentConfig config;
    config.dataset = "tones";
    config.dataset_options = {{"train_samples", 512}, {"test_samples", 128}, {"length", 64}};
    config.model = "mlp";
    config.features = "raw";
    config.model_options = {{"hidden", 64}};
    config.batch = 64;
    config.epochs = 1;
    return resolved(config);
}

ModelFile trained() {
    Trainer trainer(experiment(), std::make_shared<Workspace>(), {});
    while (!trainer.finished()) trainer.step();
    return trainer.model_file(false);
}

/// Text that no compression makes smaller than half of its length.
std::string noise(std::int64_t bytes) {
    Random random(1);
    std::string text;
    while (std::ssize(text) < bytes) text.push_back(static_cast<char>('!' + random.next() % 90));
    return text;
}

class PackAndTune : public testing::Test {
protected:
    /// Tuned to a file of so many bytes more than it was packed to, or a little more.
    std::function<ModelFile(const ModelFile&)> growing(std::int64_t bytes) {
        return [this, bytes](const ModelFile& packed) {
            packed_to_.push_back(static_cast<std::int64_t>(model_file_size(packed)));
            ModelFile tuned = packed;
            tuned.config["remark"] = noise(2 * bytes);
            return tuned;
        };
    }
    CompressResult run(const CompressTarget& target, std::int64_t bytes) {
        return pack_and_tune(compressor_, target, {}, growing(bytes), {});
    }

    MemoryBudget budget_;
    OwnDevice device_{"cpu", budget_};
    const ModelFile model_ = trained();
    ModelCompressor compressor_{device_.get(), model_, {}, {}};
    std::vector<std::int64_t> packed_to_;
    const CompressTarget target_{CompressTarget::By::bytes, 14000};
};

TEST_F(PackAndTune, TakesWhatFits) {
    EXPECT_LE(run(target_, 0).file_bytes, 14000);
    EXPECT_EQ(packed_to_.size(), 1U);
}

/// What is not a number of bytes is met by any file.
TEST_F(PackAndTune, HasNoLimitWithoutATargetInBytes) {
    CompressRequest request;
    request.method = "fft";
    ModelCompressor by_density(device_.get(), model_, request, {});
    const CompressResult result =
        pack_and_tune(by_density, {CompressTarget::By::density, 0.5}, {}, growing(3000), {});
    EXPECT_EQ(packed_to_.size(), 1U);
    EXPECT_GT(result.file_bytes, packed_to_.front() + 1000);
}

TEST_F(PackAndTune, PacksToFewerBytesWhereTheFileGrows) {
    EXPECT_LE(run({CompressTarget::By::bytes, 9000}, 200).file_bytes, 9000);
    ASSERT_GE(packed_to_.size(), 2U);
    EXPECT_LT(packed_to_.back(), packed_to_.front() - 200);
}

TEST_F(PackAndTune, GivesUpAfterFourAttempts) {
    const auto tune = [&](const ModelFile& packed) {  // whatever it is packed to, it is a little too large
        const std::int64_t size = static_cast<std::int64_t>(model_file_size(packed));
        packed_to_.push_back(size);
        ModelFile tuned = packed;
        for (std::int64_t bytes = 14000 - size; model_file_size(tuned) <= 14000; bytes += 50)
            tuned.config["remark"] = noise(bytes);
        return tuned;
    };
    EXPECT_EQ(failure([&] {
                  pack_and_tune(compressor_, target_, {}, tune, {});
              }).find("fine-tuning: the file grows from "),
              0U);
    ASSERT_EQ(packed_to_.size(), 4U);
    for (std::size_t i = 1; i < packed_to_.size(); ++i) EXPECT_LT(packed_to_[i], packed_to_[i - 1]);
}

/// Fewer bytes than the file can have, or than none: the message names what was asked for.
TEST_F(PackAndTune, GivesUpWhereNoSizeIsLeft) {
    for (const std::int64_t bytes : {4000, 40000}) {
        SCOPED_TRACE(bytes);
        packed_to_.clear();
        const std::string message = failure([&] { run(target_, bytes); });
        EXPECT_EQ(message.find("fine-tuning: the file grows from "), 0U) << message;
        EXPECT_NE(message.find("and 14000 were asked for"), std::string::npos) << message;
        EXPECT_EQ(packed_to_.size(), 1U);
    }
    EXPECT_THROW(run({CompressTarget::By::bytes, 10}, 0), OutOfReach);
}

/// What a judge holds is in the budget that it was given, and the limit there is its owner's.
TEST(FileJudge, CountsInTheWorkspaceThatItIsGiven) {
    const ModelFile model = trained();
    const ExperimentConfig config = experiment();
    const auto workspace = std::make_shared<Workspace>();
    const FileJudge judge(model.config, config.dataset, config.data, config.dataset_options, "cpu", {},
                          workspace);
    const std::size_t held = workspace->budget().total().current;
    EXPECT_GE(held, (512 + 2 * 128) * 64 * sizeof(float));  // both sets, and the features of one
    workspace->budget().set_limit(held);
    const std::string message = failure([&] { judge.fine_tune(model, model, {}, {}); });
    EXPECT_NE(message.find("limit in use"), std::string::npos) << message;
    EXPECT_THROW(judge.evaluate(model), OutOfMemory);
    EXPECT_EQ(workspace->budget().total().current, held);
    workspace->budget().set_limit(64 << 20);
    EXPECT_FALSE(judge.fine_tune(model, model, {}, {}).layers.empty());
    EXPECT_GT(judge.evaluate(model).samples, 0);
    EXPECT_EQ(workspace->budget().limit(), std::size_t{64} << 20);
}

}  // namespace
}  // namespace spectral::test

// Every model of the registry run from a compressed file: as its unpacked weights say, within a limit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/compress/method.hpp"
#include "engine/core/error.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/evaluate.hpp"
#include "engine/train/trainer.hpp"

namespace spectral::test {
namespace {

class PackedNetworks : public testing::TestWithParam<std::string> {
protected:
    PackedNetworks() {
        std::ofstream text(text_);
        for (int i = 0; i < 40; ++i) text << "the long wave and the short wave meet the shore\n";
    }
    ~PackedNetworks() override { std::filesystem::remove(text_); }

    ExperimentConfig small() const {
        ExperimentConfig config;
        config.model = GetParam();
        config.dataset = "strokes";
        config.dataset_options = {{"train_samples", 100}, {"test_samples", 100}};
        if (config.model.starts_with("char-")) {
            config.dataset = "text";
            config.data = text_;
            config.dataset_options = {{"context", 16}};
            config.model_options = {{"width", 16}, {"layers", 1}, {"dropout", 0.2}};
        }
        config.batch = 16;
        config.backend = "cpu";
        return resolved(config);
    }

    /// After a few steps, every tensor of some size packed.
    ModelFile compressed(const ExperimentConfig& config) const {
        Trainer trainer(config, std::make_shared<Workspace>(), {});
        for (int i = 0; i < 4; ++i) trainer.step();
        ModelFile file = trainer.model_file(false);
        const auto backend = open_backend("cpu", 1);
        MemoryBudget budget;
        const Device device{*backend, budget};
        for (LayerRecord& layer : file.layers) {
            for (NamedTensor& each : layer.tensors) {
                if (each.tensor.shape.size() < 16) continue;
                const auto packer = find_method("fft").prepare(device, each.tensor);
                each.packed = packer->pack(packer->step_at(0.5));
                each.tensor = unpack(device, *each.packed);
            }
        }
        return file;
    }

    std::string text_ =
        (std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "packed.txt")).string();
};

TEST_P(PackedNetworks, RunAsTheirUnpackedWeightsSay) {
    const ExperimentConfig config = small();
    const ModelFile unpacked = compressed(config);
    ModelFile stored = unpacked;
    bool packed = false;
    for (LayerRecord& layer : stored.layers)
        for (NamedTensor& each : layer.tensors)
            if (each.packed) {
                each.tensor.values.clear();  // as a file is read that keeps its tensors packed
                packed = true;
            }
    ASSERT_TRUE(packed);
    const FileJudge judge(unpacked.config, config.dataset, config.data, config.dataset_options, "cpu", {});
    const Evaluation expected = judge.evaluate(unpacked);
    constexpr std::size_t kLimit = std::size_t{64} << 20;
    const FileJudge::PackedRun run = judge.evaluate_packed(stored, kLimit);
    EXPECT_NEAR(run.evaluation.loss, expected.loss, 1e-4 * std::max(1.0, expected.loss));
    EXPECT_NEAR(run.evaluation.accuracy, expected.accuracy, 1.0 / static_cast<double>(expected.samples));
    EXPECT_LE(run.peak_bytes, kLimit);
    for (const LayerRecord& layer : stored.layers) {
        if (layer.tensors.empty()) continue;
        const auto way = std::ranges::find(run.ways, layer.name, &LayerWay::layer);
        ASSERT_NE(way, run.ways.end()) << layer.name;
        const bool any = std::ranges::any_of(layer.tensors,
                                             [](const NamedTensor& each) { return each.packed.has_value(); });
        if (layer.kind != "dense") {
            EXPECT_EQ(way->way, any ? LayerWay::Way::expanded : LayerWay::Way::dense) << layer.name;
        } else if (any) {
            EXPECT_TRUE(way->way == LayerWay::Way::spectral || way->way == LayerWay::Way::blocks)
                << layer.name;
        }
    }
}

/// Far below what the weights take unpacked; the least that a refusal names is enough.
TEST_P(PackedNetworks, AreRefusedOverTheLimit) {
    const ExperimentConfig config = small();
    ModelFile stored = compressed(config);
    for (LayerRecord& layer : stored.layers)
        for (NamedTensor& each : layer.tensors)
            if (each.packed) each.tensor.values.clear();
    const FileJudge judge(stored.config, config.dataset, config.data, config.dataset_options, "cpu", {});
    try {
        judge.evaluate_packed(stored, 2048);
        FAIL();
    } catch (const BadValue& bad) {
        EXPECT_EQ(bad.field(), "memory_limit");
        const std::string hint = bad.hint();
        const std::size_t least = std::stoull(hint.substr(hint.find_first_of("0123456789")));
        EXPECT_GT(least, 2048U);
        EXPECT_LE(judge.evaluate_packed(stored, least).peak_bytes, least);
        EXPECT_THROW(judge.evaluate_packed(stored, least - 1), BadValue);
    }
}

/// A file whose layers are not those of its configuration.
TEST_P(PackedNetworks, BelieveNoConfiguration) {
    const ExperimentConfig config = small();
    const ModelFile stored = compressed(config);
    const FileJudge judge(stored.config, config.dataset, config.data, config.dataset_options, "cpu", {});
    ModelFile fewer = stored;
    fewer.layers.back().tensors.pop_back();
    EXPECT_THROW(judge.evaluate_packed(fewer, std::size_t{64} << 20), Error);
    ModelFile renamed = stored;
    renamed.layers.back().tensors.front().name = "other";
    EXPECT_THROW(judge.evaluate_packed(renamed, std::size_t{64} << 20), Error);
    // As many numbers, and rows of another length.
    ModelFile turned = stored;
    NamedTensor& last = turned.layers.back().tensors.front();
    if (last.packed && last.tensor.shape[0] != last.tensor.shape[1]) {
        last.packed->shape = last.tensor.shape = Shape{last.tensor.shape[1], last.tensor.shape[0]};
        EXPECT_THROW(judge.evaluate_packed(turned, std::size_t{64} << 20), Error);
    }
}

std::vector<std::string> every_model() {
    std::vector<std::string> names;
    for (const ModelInfo& info : model_registry()) names.push_back(info.name);
    return names;
}

INSTANTIATE_TEST_SUITE_P(Models, PackedNetworks, testing::ValuesIn(every_model()), [](const auto& model) {
    std::string name = model.param;
    std::erase(name, '-');
    return name;
});

}  // namespace
}  // namespace spectral::test

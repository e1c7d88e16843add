// A model run from what is stored of it: the unpacked model's scores, no gradients, and the least memory that
// it can be made with.
#include "engine/train/packed_model.hpp"

#include <gtest/gtest.h>

#include "engine/compress/method.hpp"
#include "tests/support/arrays.hpp"

namespace spectral::test {
namespace {

class PackedModels : public testing::TestWithParam<const char*> {
protected:
    static constexpr std::int64_t kInputs = 60, kHidden = 48, kClasses = 5, kBatch = 6;

    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget rest_;
    Device device_{*backend_, rest_};

    LayerRecord linear(const std::string& name, std::int64_t outputs, std::int64_t inputs,
                       std::uint64_t seed) {
        LayerRecord layer{name, "dense", Json::object(), {}};
        NamedTensor weight{"weight", {Shape{outputs, inputs}, normal_values(outputs * inputs, seed, 0.1)}};
        const std::string method = GetParam();
        if (method != "dense") {
            const auto packer = find_method(method).prepare(device_, weight.tensor);
            weight.packed = packer->pack(packer->step_at(0.3));
            weight.tensor = unpack(device_, *weight.packed);
        }
        layer.tensors = {weight, {"bias", {Shape{outputs}, normal_values(outputs, seed + 1)}}};
        return layer;
    }

    ModelFile file() {
        ModelFile file;
        file.layers = {linear("hidden", kHidden, kInputs, 1),
                       {"relu", "relu", Json::object(), {}},
                       linear("output", kClasses, kHidden, 3)};
        return file;
    }

    std::vector<float> scores(Model& model, MemoryBudget& budget) {
        const Device device{*backend_, budget};
        const std::vector<float> x = normal_values(kBatch * kInputs, 9);
        Array<float> input(*backend_, std::span<const float>(x));
        const Tensor logits(device, MemoryTag::activations, {kBatch, kClasses}, "logits");
        model.infer({kBatch, input.data(), kInputs, nullptr, nullptr}, logits.data());
        return logits.to_host(*backend_).values;
    }
};

TEST_P(PackedModels, ScoreAsTheUnpackedOneWithoutGradients) {
    ModelFile stored = file(), unpacked = stored;
    for (LayerRecord& layer : unpacked.layers)
        for (NamedTensor& each : layer.tensors) each.packed.reset();
    MemoryBudget budget;
    const PackedModel model = make_packed_model({*backend_, budget}, stored, kBatch);
    const std::vector<float> got = scores(*model.model, budget);
    EXPECT_EQ(budget.usage(MemoryTag::gradients).peak, 0);
    const PackedModel reference = make_packed_model(device_, unpacked, kBatch);
    const std::vector<float> expected = scores(*reference.model, rest_);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-5F);
}

TEST_P(PackedModels, CanBeMadeWithTheLeastLimitAndNoLess) {
    const ModelFile stored = file();
    MemoryBudget unlimited;
    const std::size_t least =
        make_packed_model({*backend_, unlimited}, stored, kBatch, BlockRows::fewest).least_limit;
    MemoryBudget enough(least), less(least - 1);
    EXPECT_EQ(make_packed_model({*backend_, enough}, stored, kBatch).least_limit, least);
    EXPECT_LE(enough.total().peak, least);
    EXPECT_THROW(make_packed_model({*backend_, less}, stored, kBatch), OutOfMemory);
}

INSTANTIATE_TEST_SUITE_P(Methods, PackedModels,
                         testing::Values("dense", "fft", "dct", "block-fft", "magnitude", "svd", "int8"),
                         [](const auto& method) {
                             std::string name = method.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace spectral::test

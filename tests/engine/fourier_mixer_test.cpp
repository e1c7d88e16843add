// The Fourier mixer: slopes of its mixing, its parameters counted beforehand, and what it refuses.
#include <gtest/gtest.h>

#include "engine/core/error.hpp"
#include "engine/nn/fourier_mixing.hpp"
#include "engine/nn/registry.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/layer_slopes.hpp"

namespace spectral::test {
namespace {

class FourierMixers : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    const ModelInfo& info_ = find_model("fourier-mixer");

    Json options(const char* text) const { return complete(info_.schema, Json::parse(text), "test"); }
};

TEST_F(FourierMixers, MixingIsItsOwnGradient) {
    for (const SequenceSize& size : {SequenceSize{5, 6}, SequenceSize{4, 3}, SequenceSize{1, 7}}) {
        FourierMixing layer(device_, "mix", size, 2);
        expect_slopes(*backend_, layer, 2);
    }
}

TEST_F(FourierMixers, CountsItsParametersBeforehand) {
    for (const char* text : {R"({"patch": 2})", R"({"patch": 2, "blocks": 3, "width": 5, "hidden": 7})"})
        for (const SignalShape& shape :
             {SignalShape{1, {12}}, SignalShape{2, {6, 8}}, SignalShape{3, {3, 4, 6}}}) {
            const auto model = info_.make({device_, options(text), shape, 10, 2, 1, 1});
            EXPECT_EQ(model->parameter_count(), info_.count_parameters(options(text), shape, 10));
        }
}

/// A patch's values go to one place: an image that changes in one patch changes its place alone before the
/// first block.
TEST_F(FourierMixers, PatchesAreBlocksOfTheImage) {
    const auto model = info_.make({device_, options(R"({"patch": 2})"), {2, {4, 6}}, 3, 1, 1, 1});
    Layer& patches = *model->layers().front();
    std::vector<float> image(24);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
    Array<float> x(*backend_, std::span<const float>(image)), y(*backend_, 24);
    patches.forward(1, {x.data(), 24, nullptr}, y.data(), false);
    const std::vector<float> first{0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, 12, 13, 18, 19};
    const std::vector<float> all = y.host();
    EXPECT_EQ(std::vector<float>(all.begin(), all.begin() + 16), first);
}

TEST_F(FourierMixers, RefusesPatchesThatDoNotDivide) {
    for (const SignalShape& shape : {SignalShape{1, {10}}, SignalShape{2, {8, 6}}, SignalShape{2, {6, 8}}}) {
        try {
            (void)info_.count_parameters(options("{}"), shape, 3);
            FAIL();
        } catch (const BadValue& bad) {
            EXPECT_EQ(bad.field(), "patch");
        }
    }
}

}  // namespace
}  // namespace spectral::test

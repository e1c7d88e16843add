// Convolutions of the CUDA backend on the emulated device: by the library where that can, else without it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/ops/convolution.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/emulated_device.hpp"

namespace spectral::test {
namespace {

class CudaConvolutionTest : public EmulatedDeviceTest {};

/// Three images of two channels, to four by 3 × 3 kernels: y, and where they differ by what sums them.
std::vector<float> convolved(cuda::CudaBackend& backend, ConvolutionShape::Extents before = {1, 1}) {
    const ConvolutionShape shape{2, 3, 2, 4, {6, 5}, {3, 3}, {6, 5}, before};
    const std::vector<float> x_values = normal_values(180, 1), w_values = normal_values(72, 2);
    Array<float> x(backend, std::span<const float>(x_values)), w(backend, std::span<const float>(w_values)),
        y(backend, 360);
    backend.run_as_one([&] { backend.run(Convolve{shape, x.data(), w.data(), y.data()}); });
    return y.host();
}

TEST_F(CudaConvolutionTest, ConvolutionsAreTheLibrarysWherePlansFit) {
    const cuda_on_cpu::Counts before = counts();
    {
        cuda::CudaBackend backend(0);
        EXPECT_EQ(counts().cudnn_objects, before.cudnn_objects) << "it starts at the first convolution";
        const std::vector<float> first = convolved(backend);
        const std::int64_t made = counts().cudnn_objects, launches = counts().graph_launches;
        EXPECT_GT(made, before.cudnn_objects);
        EXPECT_EQ(convolved(backend), first);
        EXPECT_EQ(counts().cudnn_objects, made);
        EXPECT_EQ(counts().graph_launches, launches + 1) << "a plan that is there is part of a graph";
        const std::vector<PlanInfo> plans = backend.cached_plans();
        ASSERT_EQ(plans.size(), 2);
        EXPECT_GT(plans[0].bytes, 0U);
        EXPECT_EQ(plans[1].text, "convolution of 3 images, 2 to 4 channels, 6 × 5 by 3 × 3");
        convolved(backend, {2, 1});
        EXPECT_EQ(backend.cached_plans().size(), 2) << "more zeros on one side are none of its sums";
        backend.clear_plans();
        EXPECT_TRUE(backend.cached_plans().empty());
        EXPECT_EQ(convolved(backend), first);
    }
    EXPECT_TRUE(same_alive(counts(), before));
}

TEST_F(CudaConvolutionTest, ConvolutionsAreSummedWithoutTheLibrary) {
    cuda::CudaBackend with(0);
    const std::vector<float> expected = convolved(with);
    const auto expect_same = [&](cuda::CudaBackend& backend) {
        const std::vector<float> found = convolved(backend);
        EXPECT_LE(relative_energy_error(found, to_doubles(expected)), kEnergyTolerance);
    };
    machine().has_cudnn = false;
    cuda::CudaBackend without(0);
    const std::vector<Level> own{Level::fused};
    EXPECT_EQ(without.operations().levels(Convolve::name), own);
    expect_same(without);
    machine().has_cudnn = true;
    machine().cudnn_starts = false;
    cuda::CudaBackend broken(0);
    expect_same(broken);
    ASSERT_EQ(broken.cached_plans().size(), 1);
    EXPECT_NE(broken.cached_plans()[0].text.find("cuDNN is not used"), std::string::npos);
    machine().cudnn_starts = true;
    for (bool cuda_on_cpu::Machine::*lack :
         {&cuda_on_cpu::Machine::only_random_sums, &cuda_on_cpu::Machine::cudnn_declines}) {
        machine().*lack = true;
        cuda::CudaBackend lacking(0);
        expect_same(lacking);
        EXPECT_TRUE(lacking.cached_plans().empty());
        machine().*lack = false;
    }
}

TEST_F(CudaConvolutionTest, AConvolutionWithoutMemoryForTheLibraryIsSummedWithoutIt) {
    cuda::CudaBackend backend(0);
    const std::vector<float> first = convolved(backend);
    backend.clear_plans();
    machine().fail_allocation = 4;  // after the three arrays
    EXPECT_LE(relative_energy_error(convolved(backend), to_doubles(first)), kEnergyTolerance);
    EXPECT_TRUE(backend.cached_plans().empty());
    backend.clear_plans();
    EXPECT_EQ(convolved(backend), first);
}

}  // namespace
}  // namespace spectral::test

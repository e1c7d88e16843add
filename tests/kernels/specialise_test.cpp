// PureFFT's specialised kernels through the real NVRTC, which needs no GPU to compile for one.
#include "kernels/cuda/specialise.hpp"

#include <gtest/gtest.h>

#include <array>

namespace spectral::cuda {
namespace {

class Specialise : public testing::Test {
protected:
    const Nvrtc* nvrtc_ = find_nvrtc();

    void SetUp() override {
        if (nvrtc_ == nullptr) GTEST_SKIP() << "NVRTC is not installed";
    }
};

TEST_F(Specialise, CompilesForEveryKindOfSizes) {
    for (const PureFftSizes& sizes :
         {PureFftSizes{0, 1, 1, 1, 1}, {0, 8, 2, 10, 393}, {0, 16, 1, 26, 64}, {0, 64, 8, 100, 4097}}) {
        const CompiledProgram program = compile(*nvrtc_, purefft_expressions(sizes), 90);
        EXPECT_EQ(program.code.substr(1, 3), "ELF") << sizes.frequencies;
        ASSERT_EQ(program.lowered.size(), 4U);
        for (const std::string& name : program.lowered)
            EXPECT_NE(program.code.find(name), std::string::npos) << name;
    }
}

TEST_F(Specialise, GivesADeviceThatItDoesNotKnowWhatTheDriverTranslates) {
    const CompiledProgram program = compile(*nvrtc_, purefft_expressions({0, 2, 1, 2, 5}), 999);
    EXPECT_NE(program.code.find(".target sm_"), std::string::npos);
    EXPECT_NE(program.code.find(program.lowered[3]), std::string::npos);
}

TEST_F(Specialise, SaysWhatTheCompilerComplainsAbout) {
    try {
        compile(*nvrtc_, std::array<std::string, 1>{"spectral::cuda::no_such_kernel"}, 90);
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(error.why().find("no_such_kernel"), std::string::npos) << error.why();
        EXPECT_FALSE(error.hint().empty());
    }
}

}  // namespace
}  // namespace spectral::cuda

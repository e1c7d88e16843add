// PureFFT's specialised kernels through the real NVRTC, which needs no GPU to compile for one.
#include "kernels/cuda/specialise.hpp"

#include <gtest/gtest.h>

namespace spectral::cuda {
namespace {

std::vector<std::string> expressions(const std::string& sizes) {
    const std::string fixed = "spectral::cuda::FixedSizes<" + sizes + ">";
    std::vector<std::string> names;
    for (const char* kernel : {"purefft_chain_kernel<", "purefft_forward_kernel<",
                               "purefft_tiles_kernel<spectral::cuda::PureFftForm::collapsed, false, ",
                               "purefft_tiles_kernel<spectral::cuda::PureFftForm::collapsed, true, "})
        names.push_back(std::string("spectral::cuda::") + kernel + fixed + ">");
    return names;
}

class Specialise : public testing::Test {
protected:
    const Nvrtc* nvrtc_ = find_nvrtc();

    void SetUp() override {
        if (nvrtc_ == nullptr) GTEST_SKIP() << "NVRTC is not installed";
    }
};

TEST_F(Specialise, CompilesForEveryKindOfSizes) {
    for (const char* sizes : {"1, 1, 1, 1", "8, 2, 10, 393", "16, 1, 26, 64", "64, 8, 100, 4097"}) {
        const CompiledProgram program = compile(*nvrtc_, expressions(sizes), 90);
        EXPECT_EQ(program.cubin.substr(1, 3), "ELF") << sizes;
        ASSERT_EQ(program.lowered.size(), 4U);
        for (const std::string& name : program.lowered)
            EXPECT_NE(program.cubin.find(name), std::string::npos) << name;
    }
}

TEST_F(Specialise, SaysWhatTheCompilerComplainsAbout) {
    try {
        compile(*nvrtc_, {"spectral::cuda::no_such_kernel"}, 90);
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(error.why().find("no_such_kernel"), std::string::npos) << error.why();
        EXPECT_FALSE(error.hint().empty());
    }
}

}  // namespace
}  // namespace spectral::cuda

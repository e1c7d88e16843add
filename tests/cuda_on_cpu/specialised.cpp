// PureFFT's kernels for the sizes that the tests ask NVRTC for, from the source that it would be given.
#include "control.hpp"
#include "kernels/cuda/nvrtc.hpp"
#include "kernels/cuda/purefft_kernel.cuh"

namespace spectral::cuda {

namespace {

template <int... kNumbers>
void offer() {
    using Sizes = FixedSizes<kNumbers...>;
    std::string fixed = "spectral::cuda::FixedSizes<";
    for (const int number : {kNumbers...}) fixed += std::to_string(number) + ", ";
    fixed.replace(fixed.size() - 2, 2, ">");
    const std::string tiles = "spectral::cuda::purefft_tiles_kernel<spectral::cuda::PureFftForm::collapsed, ";
    cuda_on_cpu::offer_kernel("spectral::cuda::purefft_chain_kernel<" + fixed + ">",
                              purefft_chain_kernel<Sizes>);
    cuda_on_cpu::offer_kernel("spectral::cuda::purefft_forward_kernel<" + fixed + ">",
                              purefft_forward_kernel<Sizes>);
    cuda_on_cpu::offer_kernel(tiles + "false, " + fixed + ">",
                              purefft_tiles_kernel<PureFftForm::collapsed, false, Sizes>);
    cuda_on_cpu::offer_kernel(tiles + "true, " + fixed + ">",
                              purefft_tiles_kernel<PureFftForm::collapsed, true, Sizes>);
}

Nvrtc offer_all() {
    offer<1, 1, 1, 1>();
    offer<2, 1, 2, 5>();
    offer<3, 3, 11, 16>();
    offer<8, 2, 10, 17>();
    offer<5, 4, 7, 31>();
    offer<16, 1, 26, 64>();
    offer<8, 2, 10, 393>();
    offer<8, 2, 10, 4097>();
    offer<2, 1, 3, 40001>();
    return {nvrtcGetErrorString, nvrtcCreateProgram,     nvrtcDestroyProgram, nvrtcAddNameExpression,
            nvrtcCompileProgram, nvrtcGetProgramLogSize, nvrtcGetProgramLog,  nvrtcGetCUBINSize,
            nvrtcGetCUBIN,       nvrtcGetLoweredName};
}

}  // namespace

const Nvrtc* find_nvrtc() {
    static const Nvrtc library = offer_all();
    return &library;
}

}  // namespace spectral::cuda

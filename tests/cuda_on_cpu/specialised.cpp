// PureFFT's kernels for the sizes that the tests ask NVRTC for, from the source that it would be given.
#include "control.hpp"
#include "kernels/cuda/purefft_kernel.cuh"
#include "kernels/cuda/specialise.hpp"

namespace spectral::cuda {

namespace {

template <int kPatterns, int kLayers, int kClasses, int kFrequencies>
void offer() {
    using Sizes = FixedSizes<kPatterns, kLayers, kClasses, kFrequencies>;
    const auto names = purefft_expressions({0, kPatterns, kLayers, kClasses, kFrequencies});
    cuda_on_cpu::offer_kernel(names[0], purefft_chain_kernel<Sizes>);
    cuda_on_cpu::offer_kernel(names[1], purefft_forward_kernel<Sizes>);
    cuda_on_cpu::offer_kernel(names[2], purefft_tiles_kernel<PureFftForm::collapsed, false, Sizes>);
    cuda_on_cpu::offer_kernel(names[3], purefft_tiles_kernel<PureFftForm::collapsed, true, Sizes>);
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
    offer<2, 1, 3, 60001>();
    return {nvrtcGetErrorString,    nvrtcCreateProgram,     nvrtcDestroyProgram, nvrtcAddNameExpression,
            nvrtcCompileProgram,    nvrtcGetProgramLogSize, nvrtcGetProgramLog,  nvrtcGetCUBINSize,
            nvrtcGetCUBIN,          nvrtcGetPTXSize,        nvrtcGetPTX,         nvrtcGetNumSupportedArchs,
            nvrtcGetSupportedArchs, nvrtcGetLoweredName};
}

}  // namespace

const Nvrtc* find_nvrtc() {
    static const Nvrtc library = offer_all();
    return &library;
}

}  // namespace spectral::cuda

// cuDNN as the backend finds it: the emulated one, where the machine has it.
#include "control.hpp"
#include "kernels/cuda/cudnn.hpp"

namespace spectral::cuda {

const Cudnn* find_cudnn() {
    static const Cudnn library{cudnnGetErrorString,
                               cudnnCreate,
                               cudnnDestroy,
                               cudnnSetStream,
                               cudnnCreateTensorDescriptor,
                               cudnnSetTensorNdDescriptor,
                               cudnnDestroyTensorDescriptor,
                               cudnnCreateFilterDescriptor,
                               cudnnSetFilterNdDescriptor,
                               cudnnDestroyFilterDescriptor,
                               cudnnCreateConvolutionDescriptor,
                               cudnnSetConvolutionNdDescriptor,
                               cudnnSetConvolutionMathType,
                               cudnnDestroyConvolutionDescriptor,
                               cudnnGetConvolutionForwardAlgorithm_v7,
                               cudnnGetConvolutionBackwardDataAlgorithm_v7,
                               cudnnGetConvolutionBackwardFilterAlgorithm_v7,
                               cudnnConvolutionForward,
                               cudnnConvolutionBackwardData,
                               cudnnConvolutionBackwardFilter,
                               cudnnAddTensor};
    return cuda_on_cpu::machine().has_cudnn ? &library : nullptr;
}

}  // namespace spectral::cuda

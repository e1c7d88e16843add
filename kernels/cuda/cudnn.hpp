// cuDNN, NVIDIA's library of convolutions, where it is installed: the program does without it.
#pragma once

#include <cudnn.h>

namespace spectral::cuda {

/// The functions of the library that are used, by their own names and signatures.
struct Cudnn {
    decltype(&cudnnGetErrorString) get_error_string = nullptr;
    decltype(&cudnnCreate) create = nullptr;
    decltype(&cudnnDestroy) destroy = nullptr;
    decltype(&cudnnSetStream) set_stream = nullptr;
    decltype(&cudnnCreateTensorDescriptor) create_tensor = nullptr;
    decltype(&cudnnSetTensorNdDescriptor) set_tensor = nullptr;
    decltype(&cudnnDestroyTensorDescriptor) destroy_tensor = nullptr;
    decltype(&cudnnCreateFilterDescriptor) create_filter = nullptr;
    decltype(&cudnnSetFilterNdDescriptor) set_filter = nullptr;
    decltype(&cudnnDestroyFilterDescriptor) destroy_filter = nullptr;
    decltype(&cudnnCreateConvolutionDescriptor) create_convolution = nullptr;
    decltype(&cudnnSetConvolutionNdDescriptor) set_convolution = nullptr;
    decltype(&cudnnSetConvolutionMathType) set_math_type = nullptr;
    decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution = nullptr;
    decltype(&cudnnGetConvolutionForwardAlgorithm_v7) forward_algorithms = nullptr;
    decltype(&cudnnGetConvolutionBackwardDataAlgorithm_v7) backward_data_algorithms = nullptr;
    decltype(&cudnnGetConvolutionBackwardFilterAlgorithm_v7) backward_filter_algorithms = nullptr;
    decltype(&cudnnConvolutionForward) forward = nullptr;
    decltype(&cudnnConvolutionBackwardData) backward_data = nullptr;
    decltype(&cudnnConvolutionBackwardFilter) backward_filter = nullptr;
    decltype(&cudnnAddTensor) add_tensor = nullptr;
};

/// Loaded at the first call; null where there is none.
const Cudnn* find_cudnn();

}  // namespace spectral::cuda

#include "kernels/cuda/cudnn.hpp"

#include <optional>
#include <string>

#include "kernels/cuda/loaded_library.hpp"

namespace spectral::cuda {

namespace {

std::optional<Cudnn> load() {
    const LoadedLibrary library("libcudnn.so." + std::to_string(CUDNN_MAJOR));
    if (!library.is_open()) return std::nullopt;
    Cudnn found;
    const bool whole =
        library.find("cudnnGetErrorString", found.get_error_string) &&
        library.find("cudnnCreate", found.create) && library.find("cudnnDestroy", found.destroy) &&
        library.find("cudnnSetStream", found.set_stream) &&
        library.find("cudnnCreateTensorDescriptor", found.create_tensor) &&
        library.find("cudnnSetTensorNdDescriptor", found.set_tensor) &&
        library.find("cudnnDestroyTensorDescriptor", found.destroy_tensor) &&
        library.find("cudnnCreateFilterDescriptor", found.create_filter) &&
        library.find("cudnnSetFilterNdDescriptor", found.set_filter) &&
        library.find("cudnnDestroyFilterDescriptor", found.destroy_filter) &&
        library.find("cudnnCreateConvolutionDescriptor", found.create_convolution) &&
        library.find("cudnnSetConvolutionNdDescriptor", found.set_convolution) &&
        library.find("cudnnSetConvolutionMathType", found.set_math_type) &&
        library.find("cudnnDestroyConvolutionDescriptor", found.destroy_convolution) &&
        library.find("cudnnGetConvolutionForwardAlgorithm_v7", found.forward_algorithms) &&
        library.find("cudnnGetConvolutionBackwardDataAlgorithm_v7", found.backward_data_algorithms) &&
        library.find("cudnnGetConvolutionBackwardFilterAlgorithm_v7", found.backward_filter_algorithms) &&
        library.find("cudnnConvolutionForward", found.forward) &&
        library.find("cudnnConvolutionBackwardData", found.backward_data) &&
        library.find("cudnnConvolutionBackwardFilter", found.backward_filter) &&
        library.find("cudnnAddTensor", found.add_tensor);
    return whole ? std::optional(found) : std::nullopt;
}

}  // namespace

const Cudnn* find_cudnn() {
    static const std::optional<Cudnn> library = load();
    return library ? &*library : nullptr;
}

}  // namespace spectral::cuda

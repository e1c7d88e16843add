#include "engine/spectral/sparse_convolution.hpp"

#include <vector>

namespace spectral {

namespace {

/// As one image.
ConvolutionShape shape_of(const Shape& x, const Shape& w, Padding padding) {
    require(x.rank() >= 2 && x.rank() < kMaxRank, "convolution",
            "the tensor is not channels × one to three axes of space");
    std::vector<std::int64_t> image{1};
    image.insert(image.end(), x.extents().begin(), x.extents().end());
    return convolution_shape(Shape(image), w, padding, KernelOrder::convolution);
}

Shape result_of(const ConvolutionShape& shape) {
    std::vector<std::int64_t> extents{shape.out_channels};
    extents.insert(extents.end(), shape.output.begin(), shape.output.begin() + shape.rank);
    return Shape(extents);
}

}  // namespace

SparseSpectralTensor linear_convolution(Device device, const SparseSpectralTensor& x,
                                        const SparseSpectralTensor& w, Padding padding, const Keep& keep) {
    const ConvolutionShape shape = shape_of(x.shape(), w.shape(), padding);
    return SparseSpectralTensor::from_dense(
        device, convolve_once(device, shape, x.to_dense(device), w.to_dense(device), result_of(shape)), keep);
}

PairGradient linear_convolution_gradient(Device device, const SparseSpectralTensor& x,
                                         const SparseSpectralTensor& w, const SparseSpectralTensor& dy,
                                         Padding padding) {
    const ConvolutionShape shape = shape_of(x.shape(), w.shape(), padding);
    require(dy.shape() == result_of(shape), "convolution", "the gradient has another shape than the result");
    const Tensor gradient = dy.to_dense(device);
    const Tensor dx =
        convolve_once(device, input_gradient_shape(shape), gradient, w.to_dense(device), x.shape());
    const Tensor dw =
        convolve_once(device, kernel_gradient_shape(shape), gradient, x.to_dense(device), w.shape());
    return {SparseSpectralTensor::project(device, dx, x.host_index()),
            SparseSpectralTensor::project(device, dw, w.host_index())};
}

}  // namespace spectral

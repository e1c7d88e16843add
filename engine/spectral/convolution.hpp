// Convolution of dense images along one to three axes of space, with several channels: directly for small
// kernels, in tiles by Fourier transforms for large ones, the kernel's spectra kept between calls.
#pragma once

#include <optional>

#include "engine/core/tensor.hpp"
#include "kernels/ops/convolution.hpp"

namespace spectral {

/// How large the output is, n the image's extent and k the kernel's: full n + k − 1, every place where they
/// touch; same n, the middle of it; valid n − k + 1, where the kernel lies inside.
enum class Padding { full, same, valid };

/// Whether the kernel is read forward, y[i] = Σ_p w[p]·x[i + p] as in layers of networks, or from its end,
/// y[i] = Σ_p w[p]·x[i − p] as mathematics has it.
enum class KernelOrder { correlation, convolution };

/// x: images × in_channels × space, w: out_channels × in_channels × space. Throws Error where they do not
/// fit.
ConvolutionShape convolution_shape(const Shape& x, const Shape& w, Padding padding, KernelOrder order);

/// With the same x and y, what gives ∂L/∂x from ∂L/∂y: the kernel swapped and read the other way.
ConvolutionShape input_gradient_shape(const ConvolutionShape& shape);
/// What gives ∂L/∂w of one image. Its images are the output channels of ∂L/∂y and its kernels x where w is
/// read from its end; else its images are the channels of x and its kernels ∂L/∂y, and the result lies as
/// in_channels × out_channels × kernel.
ConvolutionShape kernel_gradient_shape(const ConvolutionShape& shape);

enum class ConvolutionRoute { direct, tiles };

/// Direct for kernels of up to 7 along every axis; otherwise what takes less time by count, at speeds that
/// were measured.
ConvolutionRoute convolution_route(const ConvolutionShape& shape);

/// The tile that takes the least time by count. Its extents are ones that FFTW is fast at: powers of two up
/// to 128, then 160 times those.
SignalShape convolution_tile(const ConvolutionShape& shape);

/// One kernel for many images.
class Convolution {
public:
    /// Copies nothing: `w` stays as it is while this lives. `route`: nothing for convolution_route().
    Convolution(Device device, const Tensor& w, Padding padding, KernelOrder order,
                std::optional<ConvolutionRoute> route = {});
    Convolution(Device, Tensor&&, Padding, KernelOrder, std::optional<ConvolutionRoute> = {}) = delete;

    /// x: images × in_channels × space. What depends on the image's extents is made when they change.
    Tensor operator()(const Tensor& x);
    /// The same into `y`, which has the size of the result.
    void run(const Tensor& x, const Tensor& y);

private:
    Device device_;
    const Tensor& w_;
    Padding padding_;
    KernelOrder order_;
    std::optional<ConvolutionRoute> route_;
    SignalShape tile_;
    Tensor spectrum_, scratch_;
};

/// The convolution of any shape, once: w's spectra are made and forgotten.
Tensor convolve_once(Device device, const ConvolutionShape& shape, const Tensor& x, const Tensor& w,
                     const Shape& result);

}  // namespace spectral

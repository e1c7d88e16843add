#include "engine/spectral/sparse_pointwise.hpp"

#include <cmath>

#include "engine/spectral/sparse_arithmetic.hpp"

namespace spectral {

SparseSpectralTensor activated(Device device, const SparseSpectralTensor& a, ActivationKind kind,
                               const Keep& keep) {
    const Tensor x = a.to_dense(device);
    device.backend.run(Activation{kind, x.size(), x.data(), x.data()});
    return SparseSpectralTensor::from_dense(device, x, keep);
}

SparseSpectralTensor activated_gradient(Device device, const SparseSpectralTensor& a, ActivationKind kind,
                                        const SparseSpectralTensor& dy) {
    const Tensor x = a.to_dense(device), gradient = dy.to_dense(device);
    device.backend.run(ActivationBackward{kind, x.size(), x.data(), gradient.data(), gradient.data()});
    return SparseSpectralTensor::project(device, gradient, a.host_index());
}

SparseSpectralTensor normalised(Device device, const SparseSpectralTensor& a, double epsilon) {
    require(epsilon > 0, "spectral normalisation", "epsilon is not positive");
    return scaled(device, a, static_cast<float>(1 / (std::sqrt(a.energy()) + epsilon)));
}

SparseSpectralTensor normalised_gradient(Device device, const SparseSpectralTensor& a,
                                         const SparseSpectralTensor& dy, double epsilon) {
    require(epsilon > 0, "spectral normalisation", "epsilon is not positive");
    const double norm = std::sqrt(a.energy()), divisor = norm + epsilon;
    const double along = norm > 0 ? inner_product(device, a, dy) / (norm * divisor * divisor) : 0;
    return add(device, on_support(device, dy, a.host_index()), a, static_cast<float>(1 / divisor),
               static_cast<float>(-along));
}

}  // namespace spectral

#include "engine/spectral/sparse_batch_norm.hpp"

#include <fmt/format.h>

#include <utility>

#include "engine/spectral/sparse_arithmetic.hpp"
#include "kernels/ops/normalise.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "spectral batch norm";

Tensor complex_zeros(Device device, MemoryTag tag, const Shape& shape) {
    return {device, tag, shape, kHolder, DType::complex64};
}

Tensor ones(Device device, MemoryTag tag, std::int64_t count) {
    Tensor result(device, tag, {count}, kHolder);
    result.assign(device.backend,
                  {result.shape(), std::vector<float>(static_cast<std::size_t>(count), 1.0F)});
    return result;
}

}  // namespace

SparseBatchNorm::SparseBatchNorm(Device device, const Shape& shape, std::vector<std::uint32_t> index,
                                 float momentum, float epsilon)
    : device_(device),
      shape_(shape),
      index_(std::move(index)),
      momentum_(momentum),
      epsilon_(epsilon),
      scale_(ones(device, MemoryTag::parameters, count())),
      shift_(complex_zeros(device, MemoryTag::parameters, {count()})),
      dscale_(device, MemoryTag::gradients, {count()}, kHolder),
      dshift_(complex_zeros(device, MemoryTag::gradients, {count()})),
      running_mean_(complex_zeros(device, MemoryTag::parameters, {count()})),
      running_variance_(ones(device, MemoryTag::parameters, count())),
      mean_(complex_zeros(device, MemoryTag::activations, {count()})),
      deviation_(device, MemoryTag::activations, {count()}, kHolder) {
    require(epsilon > 0, "spectral batch norm", "epsilon is not positive");
    require(momentum >= 0 && momentum <= 1, "spectral batch norm", "momentum is not from 0 to 1");
}

Tensor SparseBatchNorm::stacked(std::span<const SparseSpectralTensor> tensors) const {
    Tensor rows = complex_zeros(device_, MemoryTag::activations, {std::ssize(tensors), count()});
    for (std::size_t b = 0; b < tensors.size(); ++b) {
        if (!(tensors[b].shape() == shape_))
            throw Error("spectral batch norm",
                        fmt::format("{} is not {}", tensors[b].shape().text(), shape_.text()));
        const SparseSpectralTensor row = on_support(device_, tensors[b], index_);
        if (count() > 0)
            device_.backend.copy_on_device(rows.complex_data() + static_cast<std::int64_t>(b) * count(),
                                           row.values(), index_.size() * sizeof(Complex));
    }
    return rows;
}

std::vector<SparseSpectralTensor> SparseBatchNorm::parted(const Tensor& rows) const {
    std::vector<SparseSpectralTensor> result;
    for (std::int64_t b = 0; b < rows.shape()[0]; ++b)
        result.push_back(
            SparseSpectralTensor::from_values(device_, shape_, index_, rows.complex_data() + b * count()));
    return result;
}

std::vector<SparseSpectralTensor> SparseBatchNorm::forward(std::span<const SparseSpectralTensor> x,
                                                           bool training) {
    Tensor input = stacked(x);
    const Tensor y = complex_zeros(device_, MemoryTag::activations, input.shape());
    device_.backend.run(SpectralBatchNorm{std::ssize(x), count(), training, epsilon_, momentum_,
                                          input.complex_data(), scale_.data(), shift_.complex_data(),
                                          y.complex_data(), mean_.complex_data(), deviation_.data(),
                                          running_mean_.complex_data(), running_variance_.data()});
    input_ = training ? std::move(input) : Tensor();
    return parted(y);
}

std::vector<SparseSpectralTensor> SparseBatchNorm::backward(std::span<const SparseSpectralTensor> dy) {
    require(input_.shape().rank() == 2 && input_.shape()[0] == std::ssize(dy), "spectral batch norm",
            "there is no forward pass for training of so many tensors");
    const Tensor gradient = stacked(dy);
    device_.backend.run(SpectralBatchNormBackward{std::ssize(dy), count(), input_.complex_data(),
                                                  mean_.complex_data(), deviation_.data(), scale_.data(),
                                                  gradient.complex_data(), gradient.complex_data(),
                                                  dscale_.data(), dshift_.complex_data()});
    return parted(gradient);
}

}  // namespace spectral

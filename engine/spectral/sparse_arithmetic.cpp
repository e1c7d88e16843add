#include "engine/spectral/sparse_arithmetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <iterator>
#include <utility>

#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/reduce.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "sparse arithmetic";

using Indices = std::vector<std::uint32_t>;

void require_same_shape(const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
    if (!(a.shape() == b.shape()))
        throw Error("sparse tensors",
                    fmt::format("{} and {} are not the same shape", a.shape().text(), b.shape().text()));
}

Tensor complex_values(Device device, std::int64_t size) {
    return {device, MemoryTag::workspace, {size}, kHolder, DType::complex64};
}

Buffer numbers(Device device, std::int64_t count, std::size_t bytes_each) {
    return {device, MemoryTag::workspace, static_cast<std::size_t>(count) * bytes_each, kHolder};
}

SparseView view(const SparseSpectralTensor& a) { return {a.count(), a.index(), a.values()}; }

/// alpha·a + beta·b on `index`, the union of theirs.
SparseSpectralTensor sum(Device device, const Shape& shape, const SparseView& a, const SparseView& b,
                         float alpha, float beta, Indices index) {
    const std::int64_t room = a.count + b.count;
    const Buffer places = numbers(device, room, sizeof(std::uint32_t)),
                 count = numbers(device, 1, sizeof(std::int64_t)),
                 scratch = numbers(device, SparseAdd::scratch_size(a.count, b.count), sizeof(std::int64_t));
    const Tensor values = complex_values(device, room);
    device.backend.run(SparseAdd{a, b, alpha, beta, places.as<std::uint32_t>(), values.complex_data(),
                                 count.as<std::int64_t>(), scratch.as<std::int64_t>()});
    return SparseSpectralTensor::from_values(device, shape, std::move(index), values.complex_data());
}

/// What both have, and the products there.
struct SharedProduct {
    Indices index;
    Tensor values;
};

SharedProduct shared_product(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
    require_same_shape(a, b);
    SharedProduct result;
    std::ranges::set_intersection(a.host_index(), b.host_index(), std::back_inserter(result.index));
    const std::int64_t room = std::min(a.count(), b.count());
    result.values = complex_values(device, room);
    const Buffer places = numbers(device, room, sizeof(std::uint32_t)),
                 count = numbers(device, 1, sizeof(std::int64_t)),
                 scratch = numbers(device, SparseMultiply::scratch_size(a.count(), b.count()),
                                   sizeof(std::int64_t));
    device.backend.run(SparseMultiply{view(a), view(b), places.as<std::uint32_t>(),
                                      result.values.complex_data(), count.as<std::int64_t>(),
                                      scratch.as<std::int64_t>()});
    return result;
}

double root_of_size(const SparseSpectralTensor& a) {
    return std::sqrt(static_cast<double>(a.spectrum().values()));
}

/// In space, on the support of `like`: x[n]·y[n].
SparseSpectralTensor product_in_space(Device device, const Tensor& x, const Tensor& y,
                                      const SparseSpectralTensor& like) {
    const Tensor product(device, MemoryTag::workspace, x.shape(), kHolder);
    device.backend.run(Multiply{x.size(), x.data(), y.data(), product.data()});
    return SparseSpectralTensor::project(device, product, like.host_index());
}

/// √N·conj(factor)·dy on the support of `operand`: the gradient of a circular convolution.
SparseSpectralTensor correlation(Device device, const SparseSpectralTensor& operand,
                                 const SparseSpectralTensor& factor, const SparseSpectralTensor& dy) {
    const SparseSpectralTensor gradient = on_support(device, dy, operand.host_index()),
                               other = on_support(device, factor, operand.host_index());
    device.backend.run(
        SpectralMultiply{1, operand.count(), true, gradient.values(), other.values(), gradient.values()});
    return scaled(device, gradient, static_cast<float>(root_of_size(operand)));
}

}  // namespace

double inner_product(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
    require_same_shape(a, b);
    const SparseSpectralTensor other = on_support(device, b, a.host_index());
    const std::vector<Complex> left = a.host_values(device.backend),
                               right = other.host_values(device.backend);
    double result = 0;
    for (std::size_t j = 0; j < left.size(); ++j)
        result += a.spectrum().energy_weight(a.host_index()[j]) *
                  (static_cast<double>(left[j].real()) * static_cast<double>(right[j].real()) +
                   static_cast<double>(left[j].imag()) * static_cast<double>(right[j].imag()));
    return result;
}

SparseSpectralTensor on_support(Device device, const SparseSpectralTensor& a, Indices index) {
    // Places among the values of `a`; those that it does not have are taken from a zero behind them.
    const Indices& own = a.host_index();
    const auto absent = static_cast<std::uint32_t>(own.size());
    Indices places;
    places.reserve(index.size());
    std::size_t at = 0;
    for (const std::uint32_t wanted : index) {
        while (at < own.size() && own[at] < wanted) ++at;
        places.push_back(at < own.size() && own[at] == wanted ? static_cast<std::uint32_t>(at) : absent);
    }
    const Tensor extended = complex_values(device, a.count() + 1),
                 values = complex_values(device, std::ssize(index));
    if (a.count() > 0)
        device.backend.copy_on_device(extended.complex_data(), a.values(), own.size() * sizeof(Complex));
    const Buffer from = upload(device, places, MemoryTag::workspace, kHolder);
    device.backend.run(SparseGather{std::ssize(index), from.as<std::uint32_t>(), extended.complex_data(),
                                    values.complex_data()});
    return SparseSpectralTensor::from_values(device, a.shape(), std::move(index), values.complex_data());
}

SparseSpectralTensor scaled(Device device, const SparseSpectralTensor& a, float factor) {
    return sum(device, a.shape(), view(a), {}, factor, 0, a.host_index());
}

SparseSpectralTensor add(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b,
                         float alpha, float beta) {
    require_same_shape(a, b);
    Indices index;
    std::ranges::set_union(a.host_index(), b.host_index(), std::back_inserter(index));
    return sum(device, a.shape(), view(a), view(b), alpha, beta, std::move(index));
}

PairGradient add_gradient(Device device, const SparseSpectralTensor& a, const SparseSpectralTensor& b,
                          const SparseSpectralTensor& dy, float alpha, float beta) {
    return {scaled(device, on_support(device, dy, a.host_index()), alpha),
            scaled(device, on_support(device, dy, b.host_index()), beta)};
}

SparseSpectralTensor hadamard_product(Device device, const SparseSpectralTensor& a,
                                      const SparseSpectralTensor& b, const Keep& keep) {
    require_same_shape(a, b);
    const Tensor product = a.to_dense(device), other = b.to_dense(device);
    device.backend.run(Multiply{product.size(), product.data(), other.data(), product.data()});
    return SparseSpectralTensor::from_dense(device, product, keep);
}

PairGradient hadamard_product_gradient(Device device, const SparseSpectralTensor& a,
                                       const SparseSpectralTensor& b, const SparseSpectralTensor& dy) {
    const Tensor gradient = dy.to_dense(device);
    return {product_in_space(device, gradient, b.to_dense(device), a),
            product_in_space(device, gradient, a.to_dense(device), b)};
}

SparseSpectralTensor circular_convolution(Device device, const SparseSpectralTensor& a,
                                          const SparseSpectralTensor& b) {
    SharedProduct product = shared_product(device, a, b);
    const SparseSpectralTensor unscaled = SparseSpectralTensor::from_values(
        device, a.shape(), std::move(product.index), product.values.complex_data());
    return scaled(device, unscaled, static_cast<float>(root_of_size(a)));
}

PairGradient circular_convolution_gradient(Device device, const SparseSpectralTensor& a,
                                           const SparseSpectralTensor& b, const SparseSpectralTensor& dy) {
    return {correlation(device, a, b, dy), correlation(device, b, a, dy)};
}

}  // namespace spectral

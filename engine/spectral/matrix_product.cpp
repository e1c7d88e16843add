#include "engine/spectral/matrix_product.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "engine/core/transfer.hpp"
#include "kernels/ops/dense.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/sparse_matmul.hpp"
#include "kernels/ops/spectral_multiply.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "matrix product";

void require_matrices(const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
    if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.shape()[1] != b.shape()[0])
        throw Error("matrix product", fmt::format("{} and {} do not fit", a.shape().text(), b.shape().text()),
                    "multiply a matrix of m × k by one of k × n");
}

Tensor complex_values(Device device, std::int64_t size) {
    return {device, MemoryTag::workspace, {size}, kHolder, DType::complex64};
}

Buffer upload_numbers(Device device, const std::vector<std::uint32_t>& values) {
    return upload(device, values, MemoryTag::workspace, kHolder);
}

/// The whole spectrum of a matrix, m × k, with the half that is implied.
Tensor whole_spectrum(Device device, const SparseSpectralTensor& a) {
    const std::int64_t m = a.shape()[0], k = a.shape()[1], bins = k / 2 + 1;
    const auto count = static_cast<std::uint32_t>(a.count());
    struct Entry {
        std::uint32_t place, source;  ///< sources from `count` on are conjugate
    };
    std::vector<Entry> entries;
    for (std::uint32_t j = 0; j < count; ++j) {
        const std::uint32_t index = a.host_index()[j];
        const std::int64_t u = index / bins, v = index % bins;
        entries.push_back({static_cast<std::uint32_t>(u * k + v), j});
        if (a.spectrum().mirror(index)) continue;
        entries.push_back({static_cast<std::uint32_t>((m - u) % m * k + k - v), count + j});
    }
    std::ranges::sort(entries, {}, &Entry::place);
    std::vector<std::uint32_t> places, sources;
    for (const Entry& entry : entries) {
        places.push_back(entry.place);
        sources.push_back(entry.source);
    }
    Backend& backend = device.backend;
    const Tensor both = complex_values(device, 2 * a.count()),
                 ordered = complex_values(device, std::ssize(entries));
    Tensor whole = complex_values(device, m * k);
    if (count > 0) backend.copy_on_device(both.complex_data(), a.values(), count * sizeof(Complex));
    const Buffer ones =
        upload(device, std::vector<Complex>(count, Complex(1)), MemoryTag::workspace, kHolder);
    backend.run(SpectralMultiply{1, a.count(), true, ones.as<Complex>(), a.values(),
                                 both.complex_data() + a.count()});
    const Buffer to = upload_numbers(device, places), from = upload_numbers(device, sources);
    backend.run(SparseGather{std::ssize(entries), from.as<std::uint32_t>(), both.complex_data(),
                             ordered.complex_data()});
    backend.run(SparseScatter{std::ssize(entries), m * k, to.as<std::uint32_t>(), ordered.complex_data(),
                              whole.complex_data()});
    return whole;
}

SparseSpectralTensor product_in_frequency(Device device, const SparseSpectralTensor& a,
                                          const SparseSpectralTensor& b, const Keep& keep) {
    const std::int64_t m = a.shape()[0], k = a.shape()[1], n = b.shape()[1], bins = n / 2 + 1;
    require(k <= kColumnMask, "matrix product", "the inner extent is above 2^29");
    // Row w of the sparse matrix holds S_B[−v, w] in column v.
    struct Entry {
        std::uint32_t row, column, value;
    };
    std::vector<Entry> entries;
    for (std::uint32_t j = 0; j < b.host_index().size(); ++j) {
        const std::int64_t s = b.host_index()[j] / bins, w = b.host_index()[j] % bins;
        entries.push_back({static_cast<std::uint32_t>(w), static_cast<std::uint32_t>((k - s) % k), j});
    }
    std::ranges::sort(entries, {}, [](const Entry& e) { return std::tuple(e.row, e.column); });
    std::vector<std::uint32_t> start(static_cast<std::size_t>(bins) + 1), columns, values;
    for (const Entry& entry : entries) {
        ++start[entry.row + 1];
        columns.push_back(entry.column);
        values.push_back(entry.value);
    }
    std::partial_sum(start.begin(), start.end(), start.begin());
    const Buffer row_start = upload_numbers(device, start), place = upload_numbers(device, columns),
                 value = upload_numbers(device, values);
    const SparseRows matrix{bins,
                            k,
                            std::ssize(entries),
                            row_start.as<std::uint32_t>(),
                            place.as<std::uint32_t>(),
                            value.as<std::uint32_t>()};
    const Tensor whole = whole_spectrum(device, a), result = complex_values(device, m * bins),
                 scratch = complex_values(device, SparseMatMul::scratch_size(m, bins, k));
    device.backend.run(SparseMatMul{m, matrix, b.values(), whole.complex_data(), result.complex_data(),
                                    scratch.complex_data()});
    return SparseSpectralTensor::from_spectrum(device, {m, n}, result.complex_data(), keep);
}

/// op(x)·op(y) of two matrices in space.
Tensor dense_product(Device device, const Tensor& x, bool transpose_x, const Tensor& y, bool transpose_y) {
    const std::int64_t m = x.shape()[transpose_x ? 1 : 0], k = x.shape()[transpose_x ? 0 : 1],
                       n = y.shape()[transpose_y ? 0 : 1];
    Tensor result(device, MemoryTag::workspace, {m, n}, kHolder);
    device.backend.run(MatMul{m, n, k, transpose_x, transpose_y, x.data(), x.shape()[1], y.data(),
                              y.shape()[1], 0, result.data(), n});
    return result;
}

}  // namespace

ProductRoute matrix_product_route(const SparseSpectralTensor& a, const SparseSpectralTensor& b) {
    require_matrices(a, b);
    const auto m = static_cast<double>(a.shape()[0]), k = static_cast<double>(a.shape()[1]),
               n = static_cast<double>(b.shape()[1]);
    const auto transform = [](double size) { return 2.5 * size * std::log2(std::max(size, 2.0)); };
    constexpr double kDenseSpeed = 8;
    const double in_space =
        2 * m * k * n / kDenseSpeed + transform(m * k) + transform(k * n) + transform(m * n);
    const double in_frequency = 8 * m * static_cast<double>(b.count());
    return in_frequency < in_space ? ProductRoute::frequency : ProductRoute::space;
}

SparseSpectralTensor matrix_product(Device device, const SparseSpectralTensor& a,
                                    const SparseSpectralTensor& b, const Keep& keep, ProductRoute route) {
    require_matrices(a, b);
    if (route == ProductRoute::frequency) return product_in_frequency(device, a, b, keep);
    return SparseSpectralTensor::from_dense(
        device, dense_product(device, a.to_dense(device), false, b.to_dense(device), false), keep);
}

SparseSpectralTensor matrix_product(Device device, const SparseSpectralTensor& a,
                                    const SparseSpectralTensor& b, const Keep& keep) {
    return matrix_product(device, a, b, keep, matrix_product_route(a, b));
}

PairGradient matrix_product_gradient(Device device, const SparseSpectralTensor& a,
                                     const SparseSpectralTensor& b, const SparseSpectralTensor& dy) {
    require_matrices(a, b);
    const Tensor gradient = dy.to_dense(device);
    return {SparseSpectralTensor::project(
                device, dense_product(device, gradient, false, b.to_dense(device), true), a.host_index()),
            SparseSpectralTensor::project(
                device, dense_product(device, a.to_dense(device), true, gradient, false), b.host_index())};
}

}  // namespace spectral

#include "engine/spectral/spectral_pooling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/core/transfer.hpp"
#include "engine/spectral/sparse_arithmetic.hpp"
#include "kernels/ops/sparse.hpp"
#include "kernels/ops/sparse_matmul.hpp"

namespace spectral {

namespace {

constexpr const char* kHolder = "spectral pooling";

using Frequencies = std::array<std::int64_t, kMaxRank>;  ///< of every axis, signed

std::int64_t bins(const Shape& shape, int axis) {
    return axis == shape.rank() - 1 ? shape[axis] / 2 + 1 : shape[axis];
}

/// Of a stored coefficient: −n/2 < f ≤ n/2.
Frequencies frequencies_of(const Shape& shape, std::int64_t index) {
    Frequencies f{};
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        f[a] = index % bins(shape, axis);
        index /= bins(shape, axis);
        if (2 * f[a] > shape[axis]) f[a] -= shape[axis];
    }
    return f;
}

/// Whether the coarse grid has this frequency of the fine one.
bool is_kept(const Shape& fine, const Shape& coarse, const Frequencies& f) {
    for (int axis = 0; axis < fine.rank(); ++axis)
        if (coarse[axis] < fine[axis] && 2 * std::abs(f[static_cast<std::size_t>(axis)]) > coarse[axis])
            return false;
    return true;
}

/// Where the coarse half spectrum stores a frequency; nothing where it stores only its mirror.
std::optional<std::uint32_t> place_of(const Shape& coarse, const Frequencies& f) {
    std::int64_t place = 0;
    for (int axis = 0; axis < coarse.rank(); ++axis) {
        const std::int64_t extent = coarse[axis];
        const std::int64_t k = (f[static_cast<std::size_t>(axis)] % extent + extent) % extent;
        if (k >= bins(coarse, axis)) return std::nullopt;
        place = place * bins(coarse, axis) + k;
    }
    return static_cast<std::uint32_t>(place);
}

Shape shape_of(const HalfSpectrum& spectrum) {
    const SignalShape& signal = spectrum.signal();
    return Shape(std::span(signal.extent.data(), static_cast<std::size_t>(signal.rank)));
}

float scale_of(const Shape& fine, const Shape& coarse) {
    return static_cast<float>(
        std::sqrt(static_cast<double>(coarse.size()) / static_cast<double>(fine.size())));
}

void require_coarser(const Shape& fine, const Shape& coarse) {
    bool fits = fine.rank() == coarse.rank();
    for (int axis = 0; fits && axis < fine.rank(); ++axis)
        fits = coarse[axis] >= 1 && coarse[axis] <= fine[axis];
    if (!fits)
        throw Error("spectral pooling", fmt::format("{} is no coarser {}", coarse.text(), fine.text()),
                    "give as many extents, none of them zero or larger");
}

}  // namespace

std::vector<PooledCoefficient> pooled_coefficients(const HalfSpectrum& fine,
                                                   std::span<const std::uint32_t> index,
                                                   const HalfSpectrum& coarse) {
    const Shape from = shape_of(fine), to = shape_of(coarse);
    require_coarser(from, to);
    std::vector<PooledCoefficient> result;
    for (std::uint32_t j = 0; j < index.size(); ++j) {
        Frequencies f = frequencies_of(from, index[j]);
        if (!is_kept(from, to, f)) continue;
        if (const auto place = place_of(to, f)) result.push_back({*place, j});
        if (fine.mirror(index[j])) continue;
        // The mirror, which is implied here, may be one that the coarse spectrum stores: at its Nyquist.
        for (std::int64_t& frequency : f) frequency = -frequency;
        if (const auto place = place_of(to, f)) result.push_back({*place, j | kConjugateInput});
    }
    std::ranges::sort(result, {}, [](const PooledCoefficient& c) {
        return std::tuple(c.place, c.source & kColumnMask, c.source);
    });
    return result;
}

SparseSpectralTensor spectral_pooling(Device device, const SparseSpectralTensor& a, const Shape& shape) {
    require_coarser(a.shape(), shape);
    require(a.count() <= kColumnMask, "spectral pooling", "there are more than 2^29 coefficients");
    // A product with a sparse matrix of ones, a row for every coefficient of the result.
    std::vector<std::uint32_t> index, row_start, source;
    for (const PooledCoefficient& each :
         pooled_coefficients(a.spectrum(), a.host_index(), HalfSpectrum(shape))) {
        if (index.empty() || index.back() != each.place) {
            index.push_back(each.place);
            row_start.push_back(static_cast<std::uint32_t>(source.size()));
        }
        source.push_back(each.source);
    }
    row_start.push_back(static_cast<std::uint32_t>(source.size()));
    const std::int64_t rows = std::ssize(index);
    const auto put = [&](const auto& values) {
        return upload(device, values, MemoryTag::workspace, kHolder);
    };
    const Buffer starts = put(row_start), places = put(source),
                 which = put(std::vector<std::uint32_t>(source.size())),
                 value = put(std::vector<Complex>{scale_of(a.shape(), shape)});
    const auto complex = [&](std::int64_t size) {
        return Tensor(device, MemoryTag::workspace, {size}, kHolder, DType::complex64);
    };
    const Tensor values = complex(rows), scratch = complex(SparseMatMul::scratch_size(1, rows, a.count()));
    const SparseRows matrix{rows,
                            a.count(),
                            std::ssize(source),
                            starts.as<std::uint32_t>(),
                            places.as<std::uint32_t>(),
                            which.as<std::uint32_t>()};
    device.backend.run(SparseMatMul{1, matrix, value.as<Complex>(), a.values(), values.complex_data(),
                                    scratch.complex_data()});
    return SparseSpectralTensor::from_values(device, shape, std::move(index), values.complex_data());
}

SparseSpectralTensor spectral_pooling_gradient(Device device, const SparseSpectralTensor& a,
                                               const SparseSpectralTensor& dy) {
    const Shape& shape = dy.shape();
    require_coarser(a.shape(), shape);
    // Every frequency of the fine grid falls on one of the coarse grid, whose gradient it gets; a stored one
    // never on one that is only implied. In front of the values of dy stands a zero for the others.
    std::vector<std::uint32_t> sources;
    for (const std::uint32_t index : a.host_index()) {
        const Frequencies f = frequencies_of(a.shape(), index);
        std::uint32_t source = 0;
        if (is_kept(a.shape(), shape, f)) {
            const auto found = std::ranges::lower_bound(dy.host_index(), place_of(shape, f).value());
            if (found != dy.host_index().end() && *found == place_of(shape, f).value())
                source = static_cast<std::uint32_t>(found - dy.host_index().begin()) + 1;
        }
        sources.push_back(source);
    }
    const Tensor extended(device, MemoryTag::workspace, {dy.count() + 1}, kHolder, DType::complex64);
    const Tensor values(device, MemoryTag::workspace, {a.count()}, kHolder, DType::complex64);
    if (dy.count() > 0)
        device.backend.copy_on_device(extended.complex_data() + 1, dy.values(),
                                      dy.host_index().size() * sizeof(Complex));
    const Buffer from = upload(device, sources, MemoryTag::workspace, kHolder);
    device.backend.run(
        SparseGather{a.count(), from.as<std::uint32_t>(), extended.complex_data(), values.complex_data()});
    return scaled(device,
                  SparseSpectralTensor::from_values(device, a.shape(), a.host_index(), values.complex_data()),
                  scale_of(a.shape(), shape));
}

}  // namespace spectral

#include "engine/spectral/half_spectrum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace spectral {

HalfSpectrum::HalfSpectrum(const Shape& shape) {
    require(shape.rank() >= 1, "spectrum", "a single number has none", "use a tensor of rank 1 to 8");
    signal_.rank = shape.rank();
    std::ranges::copy(shape.extents(), signal_.extent.begin());
    if (shape.size() == 0)
        throw Error(fmt::format("tensor of {}", shape.text()), "an axis is empty", "leave it out");
    last_ = shape[shape.rank() - 1];
    bins_ = last_ / 2 + 1;
    if (size() > std::numeric_limits<std::uint32_t>::max())
        throw Error(fmt::format("tensor of {}", shape.text()),
                    fmt::format("its spectrum has {} coefficients, more than 32 bits count", size()),
                    "split it along an axis");
}

Shape HalfSpectrum::shape() const {
    std::vector<std::int64_t> extents(signal_.extent.begin(), signal_.extent.begin() + signal_.rank);
    extents.back() = bins_;
    return Shape(extents);
}

bool HalfSpectrum::is_mirrored(std::int64_t index) const {
    const std::int64_t f = index % bins_;
    return f == 0 || 2 * f == last_;
}

std::optional<std::int64_t> HalfSpectrum::mirror(std::int64_t index) const {
    if (!is_mirrored(index)) return std::nullopt;
    std::int64_t rest = index / bins_, result = index % bins_, place = bins_;
    for (int axis = signal_.rank - 2; axis >= 0; --axis) {
        const std::int64_t extent = signal_.extent[static_cast<std::size_t>(axis)], k = rest % extent;
        rest /= extent;
        result += (k == 0 ? 0 : extent - k) * place;
        place *= extent;
    }
    return result;
}

std::uint8_t HalfSpectrum::freedom(std::int64_t index) const {
    const std::optional<std::int64_t> other = mirror(index);
    if (!other) return 2;
    return *other == index ? 1 : index < *other ? 2 : 0;
}

template <class Weight>
std::vector<std::uint8_t> HalfSpectrum::weights_by(const Weight& weight) const {
    // Only the ends of the last axis can differ: no division for what lies between.
    std::vector<std::uint8_t> weights(static_cast<std::size_t>(size()), 2);
    for (std::int64_t row = 0; row < size(); row += bins_)
        for (const std::int64_t i : {row, row + bins_ - 1}) weights[static_cast<std::size_t>(i)] = weight(i);
    return weights;
}

std::vector<std::uint8_t> HalfSpectrum::energy_weights() const {
    return weights_by([&](std::int64_t i) { return energy_weight(i); });
}

std::vector<std::uint8_t> HalfSpectrum::freedoms() const {
    return weights_by([&](std::int64_t i) { return freedom(i); });
}

}  // namespace spectral

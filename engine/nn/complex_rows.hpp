// Rows of complex values as parameters hold them: the real and the imaginary part side by side.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>

#include "engine/core/tensor.hpp"

namespace spectral {

inline Complex* complex_values(const Tensor& tensor) { return reinterpret_cast<Complex*>(tensor.data()); }

/// rows × values of rows × 2·values, `part_of` each complex one.
template <class PartOf>
HostTensor parts_of(std::int64_t rows, const HostTensor& values, const PartOf& part_of) {
    HostTensor result{Shape{rows, values.shape.size() / (2 * rows)}, {}};
    for (std::size_t i = 0; i < values.values.size(); i += 2)
        result.values.push_back(part_of(std::complex<float>{values.values[i], values.values[i + 1]}));
    return result;
}

inline HostTensor magnitudes(std::int64_t rows, const HostTensor& values) {
    return parts_of(rows, values, [](const std::complex<float>& value) { return std::abs(value); });
}

inline HostTensor phases(std::int64_t rows, const HostTensor& values) {
    return parts_of(rows, values, [](const std::complex<float>& value) { return std::arg(value); });
}

}  // namespace spectral

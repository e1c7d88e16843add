// A random order of a tensor's rows and columns.
#pragma once

#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "engine/compress/matrix_order.hpp"

namespace spectral::test {

/// Drawn: of an affine one, i → a·i + b, a Fourier transform would only see its frequencies change places.
inline std::vector<std::uint32_t> mixed_permutation(std::int64_t count) {
    std::vector<std::uint32_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0U);
    std::mt19937 random(static_cast<std::mt19937::result_type>(count));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    return order;
}

inline MatrixOrder mixed_order(const Shape& shape) {
    return {mixed_permutation(shape[0]), mixed_permutation(shape.size() / shape[0])};
}

}  // namespace spectral::test

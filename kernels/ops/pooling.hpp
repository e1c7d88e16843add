// Pooling of feature maps along one to three axes of space: the largest or the mean value of every window,
// and the gradients.
#pragma once

#include <array>

#include "kernels/types.hpp"

namespace spectral {

inline constexpr int kMaxPoolRank = 3;

/// Windows on `planes` arrays of `input` (images × channels of them). Window i begins at i·stride; those that
/// would end outside do not exist: output = ⌊(input − window)/stride⌋ + 1 along every axis, 0 where the
/// window is larger. Windows and strides are at least 1.
struct PoolShape {
    using Extents = std::array<std::int64_t, kMaxPoolRank>;

    int rank = 2;
    std::int64_t planes = 0;
    Extents input{1, 1, 1}, window{1, 1, 1}, stride{1, 1, 1};  ///< extents [0..rank) count

    Extents output() const;
    std::int64_t input_size() const { return product(input); }
    std::int64_t window_size() const { return product(window); }
    std::int64_t output_size() const { return product(output()); }

private:
    std::int64_t product(const Extents& extents) const;
};

/// y[n,i] = max_p x[n, i·stride + p]. `place`, where it is not null: which value of its plane that was, the
/// first of equals. x: planes × input, y and place: planes × output.
struct MaxPool {
    static constexpr std::string_view name = "max_pool";
    PoolShape shape;
    const float* x = nullptr;
    float* y = nullptr;
    std::uint32_t* place = nullptr;
    Cost cost() const;
};

/// dx[n,j] = Σ dy[n,i] over the windows i, in their order, with place[n,i] = j.
struct MaxPoolBackward {
    static constexpr std::string_view name = "max_pool_backward";
    PoolShape shape;
    const std::uint32_t* place = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    Cost cost() const;
};

/// y[n,i] = Σ_p x[n, i·stride + p] / window size.
struct AveragePool {
    static constexpr std::string_view name = "average_pool";
    PoolShape shape;
    const float* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dx[n,j] = Σ dy[n,i] / window size over the windows i, in their order, that contain j.
struct AveragePoolBackward {
    static constexpr std::string_view name = "average_pool_backward";
    PoolShape shape;
    const float* dy = nullptr;
    float* dx = nullptr;
    Cost cost() const;
};

}  // namespace spectral

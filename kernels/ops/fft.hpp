// Real discrete Fourier transforms of a batch, unnormalised, and magnitudes of their half spectra.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "kernels/types.hpp"

namespace spectral {

inline constexpr int kMaxSignalRank = 8;

/// Shape of one real signal of rank 1 to kMaxSignalRank.
struct SignalShape {
    int rank = 1;
    std::array<std::int64_t, kMaxSignalRank> extent{1};  ///< extent[0..rank)

    /// Of the axes in use; what stands behind them does not count.
    bool operator==(const SignalShape& other) const {
        return rank == other.rank && std::equal(extent.begin(), extent.begin() + rank, other.extent.begin());
    }

    std::int64_t size() const;           ///< real samples
    std::int64_t spectrum_size() const;  ///< half spectrum: last axis n/2+1
};

/// "28 × 28".
template <class Extents>
std::string extents_text(int rank, const Extents& extents) {
    std::string text;
    for (int axis = 0; axis < rank; ++axis)
        text += (axis > 0 ? " × " : "") + std::to_string(extents[static_cast<std::size_t>(axis)]);
    return text;
}

/// y[b,…] = rfft(x[b,…]);  x: batch × size, y: batch × spectrum_size.
struct Rfft {
    static constexpr std::string_view name = "rfft";
    std::int64_t batch = 0;
    SignalShape shape;
    const float* x = nullptr;
    Complex* y = nullptr;
    Cost cost() const;
};

/// Adjoint of Rfft: dx[b,n] = Re Σ_f dy[b,f] e^{2πi fn/N} over the stored half, where dy holds
/// ∂loss/∂Re + i ∂loss/∂Im. `scratch`: batch × spectrum_size values, contents destroyed.
struct RfftBackward {
    static constexpr std::string_view name = "rfft_backward";
    std::int64_t batch = 0;
    SignalShape shape;
    const Complex* dy = nullptr;
    float* dx = nullptr;
    Complex* scratch = nullptr;
    Cost cost() const;
};

/// x[b,n] = 1/N Σ_f y[b,f] e^{2πi fn/N} over all bins, those that are not stored being the mirrors of those
/// that are: the inverse of Rfft. Of a y that is no spectrum of real values, the real part of this sum with
/// every bin that has a mirror counted twice. Destroys y.
struct Irfft {
    static constexpr std::string_view name = "irfft";
    std::int64_t batch = 0;
    SignalShape shape;
    Complex* y = nullptr;
    float* x = nullptr;
    Cost cost() const;
};

/// Adjoint of Irfft: dy[b,f] = m_f/N Σ_n dx[b,n] e^{−2πi fn/N}, m_f = 2 where the mirror of bin f is implied
/// and 1 where it is not.
struct IrfftBackward {
    static constexpr std::string_view name = "irfft_backward";
    std::int64_t batch = 0;
    SignalShape shape;
    const float* dx = nullptr;
    Complex* dy = nullptr;
    Cost cost() const;
};

/// Complex values, in whole cache lines, that hold one signal or its spectrum and one value more.
inline std::int64_t rfft_scratch_row(const SignalShape& shape) { return (shape.size() + 1 + 7) / 8 * 8; }

/// y[b,f] = |rfft(x[b])|[f];  rows of y are `y_stride` floats apart, the gap is set to zero.
/// `scratch`: scratch_size(batch, shape) values.
struct RfftMagnitude {
    static constexpr std::string_view name = "rfft_magnitude";
    std::int64_t batch = 0;
    SignalShape shape;
    const float* x = nullptr;
    float* y = nullptr;
    std::int64_t y_stride = 0;
    Complex* scratch = nullptr;
    static std::int64_t scratch_size(std::int64_t batch, const SignalShape& shape);
    Cost cost() const;
};

/// y[i] = |x[i]|.
struct Magnitude {
    static constexpr std::string_view name = "magnitude";
    std::int64_t size = 0;
    const Complex* x = nullptr;
    float* y = nullptr;
    Cost cost() const;
};

/// dx[i] = dy[i] · x[i]/|x[i]|, zero where x is zero.
struct MagnitudeBackward {
    static constexpr std::string_view name = "magnitude_backward";
    std::int64_t size = 0;
    const Complex* x = nullptr;
    const float* dy = nullptr;
    Complex* dx = nullptr;
    Cost cost() const;
};

}  // namespace spectral

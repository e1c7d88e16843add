// Mixing of the places of a sequence by Fourier transforms (FNet).
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// y[b] = Re(FFT over rows (FFT over columns x[b]))/√(rows·columns):
///   y[b,u,v] = (rows·columns)^{−1/2} Σ x[b,t,d] cos 2π(ut/rows + vd/columns).
/// Its own gradient: the matrix is symmetric.  x, y: batch × rows × columns, apart from each other;
/// `scratch`: scratch_size() values.
struct FourierMix {
    static constexpr std::string_view name = "fourier_mix";
    std::int64_t batch = 0, rows = 0, columns = 0;
    const float* x = nullptr;
    float* y = nullptr;
    Complex* scratch = nullptr;
    static std::int64_t scratch_size(std::int64_t batch, std::int64_t rows, std::int64_t columns) {
        return batch * rows * (columns / 2 + 1);
    }
    Cost cost() const;
};

}  // namespace spectral

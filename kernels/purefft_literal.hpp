// Working memory of PureFFT's literal level, in the order in which every backend lays it out.
#pragma once

#include "kernels/ops/purefft.hpp"

namespace spectral {

/// Fits into purefft_scratch_size(sizes, Level::reference, …) floats.
struct PureFftLiteral {
    PureFftSizes sizes;
    float* products;   ///< batch × patterns × frequencies
    float* x;          ///< (layers + 1) × batch × frequencies: the input of every layer, then the output
    float* dx;         ///< batch × frequencies
    float* next_dx;    ///< batch × frequencies
    float* weights;    ///< layers × patterns
    float* d_weights;  ///< patterns

    PureFftLiteral(const PureFftSizes& s, float* scratch) : sizes(s) {
        const std::int64_t values = s.batch * s.frequencies;
        products = scratch;
        x = products + values * s.patterns;
        dx = x + values * (s.layers + 1);
        next_dx = dx + values;
        weights = next_dx + values;
        d_weights = weights + s.layers * s.patterns;
    }
};

}  // namespace spectral

// The operations' definitions in double precision, written from the formulas and as slowly as they read.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "kernels/ops/convolution.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/purefft.hpp"

namespace spectral::definition {

using Doubles = std::vector<double>;
using ComplexDoubles = std::vector<std::complex<double>>;

/// X[k] = Σ_n x[n] e^{−2πi k·n/N} over the stored half of the last axis.
ComplexDoubles rfft(const Doubles& x, const SignalShape& shape);

/// dx[n] = Re Σ_k dy[k] e^{2πi k·n/N} over the stored half.
Doubles rfft_backward(const ComplexDoubles& dy, const SignalShape& shape);

/// Along every axis: y[k] = s_k Σ_n x[n] cos(π(2n+1)k/2N), s_0 = √(1/N), s_k = √(2/N).
Doubles dct(const Doubles& x, const SignalShape& shape);

/// x[n] = Σ_k s_k y[k] cos(π(2n+1)k/2N) along every axis.
Doubles dct_inverse(const Doubles& y, const SignalShape& shape);

struct PureFft {
    PureFftSizes sizes;
    Doubles x, pool, layer, class_;

    Doubles gain() const;
    Doubles weights() const;  ///< layers × patterns
    Doubles logits() const;   ///< by the literal sums over patterns
};

/// −Σ_b log softmax(logits[b])[label[b]].
double nll_sum(const Doubles& logits, std::int64_t classes, const std::vector<std::int32_t>& labels);

/// ∂(nll_sum / batch)/∂logits.
Doubles nll_gradient(const Doubles& logits, std::int64_t classes, const std::vector<std::int32_t>& labels);

/// c = op(a)·op(b) + beta·c with tight rows.
Doubles matmul(const Doubles& a, const Doubles& b, Doubles c, std::int64_t m, std::int64_t n, std::int64_t k,
               bool transpose_a, bool transpose_b, double beta);

/// y[n,o,i] = Σ_c Σ_p w[o,c,p]·x[n,c,i + p − before], w as the shape stores it.
Doubles convolve(const ConvolutionShape& shape, const Doubles& x, const Doubles& w);
/// Σ dy·∂y/∂w and Σ dy·∂y/∂x of it.
Doubles convolve_weight_gradient(const ConvolutionShape& shape, const Doubles& x, const Doubles& dy);
Doubles convolve_input_gradient(const ConvolutionShape& shape, const Doubles& w, const Doubles& dy);

double gelu(double x);
double gelu_derivative(double x);
double silu(double x);
double silu_derivative(double x);

}  // namespace spectral::definition

// One large transform of several axes by all threads: FFTW plans an array as a whole for one of them.
#pragma once

#include "kernels/backend.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral::cpu {

/// Whether a batch is one signal that is worth it. Depends on nothing else, so results do not either.
bool goes_by_axes(std::int64_t batch, const SignalShape& shape);

/// As Rfft of one signal: rows first, then the other axes in place, some columns at a time.
void forward_by_axes(Backend& backend, const SignalShape& shape, const float* x, Complex* y);
/// As FFTW's complex to real transform of one signal; `spectrum` is destroyed.
void backward_by_axes(Backend& backend, const SignalShape& shape, Complex* spectrum, float* y);

/// As Dct of one signal.
void cosine_by_axes(Backend& backend, const SignalShape& shape, bool inverse, const float* x, float* y);

}  // namespace spectral::cpu

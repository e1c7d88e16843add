// Log-spectrograms, from short-time Fourier transforms through a backend's operation:
//   X[t,f] = Σ_n w[n] x[t·hop + n] e^{−2πi fn/window},   w[n] = ½ − ½ cos(2πn/window),
//   L[t,f] = max(10 log₁₀(|X[t,f]|² / max |X|²), floor)   in decibels below the loudest of the recording,
//   y = 1 − 2 L/floor   in [−1, 1]; silence is −1 everywhere.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/memory_budget.hpp"
#include "engine/core/tensor.hpp"

namespace spectral {

struct SpectrogramOptions {
    std::int64_t length = 0;    ///< samples of a recording, window or more
    std::int64_t window = 256;  ///< samples, 2 or more
    std::int64_t hop = 128;     ///< samples from one window to the next, 1 or more
    double floor_db = -80;      ///< below 0

    std::int64_t frames() const { return (length - window) / hop + 1; }
    std::int64_t bins() const { return window / 2 + 1; }
};

class Spectrogram {
public:
    Spectrogram(Device device, const SpectrogramOptions& options);
    /// x: length samples; y: frames × bins.
    void run(std::span<const float> x, std::span<float> y);

private:
    Device device_;
    SpectrogramOptions options_;
    std::int64_t block_;  ///< frames transformed at once
    Reservation host_room_;
    std::vector<float> weights_;   ///< w
    std::vector<float> windowed_;  ///< block × window
    std::vector<Complex> host_spectra_;
    Tensor frames_, spectra_;
};

}  // namespace spectral

#include "engine/data/spectrogram.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "kernels/ops/fft.hpp"

namespace spectral {

namespace {

/// Values of the windows in hand: a few megabytes, however long the recordings are.
constexpr std::int64_t kBlockValues = std::int64_t{1} << 18;

}  // namespace

Spectrogram::Spectrogram(Device device, const SpectrogramOptions& options)
    : device_(device),
      options_(options),
      block_(std::clamp<std::int64_t>(kBlockValues / options.window, 1, options.frames())),
      host_room_(
          device.budget.reserve(MemoryTag::workspace,
                                static_cast<std::size_t>(block_ * options.window) * sizeof(float) +
                                    static_cast<std::size_t>(block_ * options.bins()) * sizeof(Complex),
                                "spectrogram on the host")),
      weights_(static_cast<std::size_t>(options.window)),
      windowed_(static_cast<std::size_t>(block_ * options.window)),
      host_spectra_(static_cast<std::size_t>(block_ * options.bins())),
      frames_(device, MemoryTag::workspace, {block_, options.window}, "spectrogram windows"),
      spectra_(device, MemoryTag::workspace, {block_, options.bins()}, "spectrogram spectra",
               DType::complex64) {
    assert(options.window >= 2 && options.length >= options.window && options.hop > 0 &&
           options.floor_db < 0);
    for (std::size_t n = 0; n < weights_.size(); ++n)
        weights_[n] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) /
                                                              static_cast<double>(options.window)));
}

void Spectrogram::run(std::span<const float> x, std::span<float> y) {
    assert(x.size() == static_cast<std::size_t>(options_.length) &&
           y.size() == static_cast<std::size_t>(options_.frames() * options_.bins()));
    Backend& backend = device_.backend;
    for (std::int64_t first = 0; first < options_.frames(); first += block_) {
        const std::int64_t count = std::min(block_, options_.frames() - first);
        float* windowed = windowed_.data();
        for (std::int64_t t = first; t < first + count; ++t) {
            const float* signal = x.data() + t * options_.hop;
            for (const float weight : weights_) *windowed++ = weight * *signal++;
        }
        backend.copy_to_device(frames_.data(), windowed_.data(), frames_.bytes());
        backend.run(Rfft{count, {1, {options_.window}}, frames_.data(), spectra_.complex_data()});
        const auto values = static_cast<std::size_t>(count * options_.bins());
        backend.copy_to_host(host_spectra_.data(), spectra_.complex_data(), values * sizeof(Complex));
        float* level = y.data() + first * options_.bins();
        for (std::size_t i = 0; i < values; ++i) {
            const double re = static_cast<double>(host_spectra_[i].real()),
                         im = static_cast<double>(host_spectra_[i].imag());
            // Silence is minus infinity.
            level[i] = static_cast<float>(10 * std::log10(re * re + im * im));
        }
    }
    const float loudest = *std::ranges::max_element(y);
    for (float& value : y) {
        const double below = std::isinf(loudest) ? options_.floor_db
                                                 : static_cast<double>(value) - static_cast<double>(loudest);
        value = static_cast<float>(1 - 2 * std::max(below, options_.floor_db) / options_.floor_db);
    }
}

}  // namespace spectral

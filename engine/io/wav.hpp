// WAV recordings (RIFF WAVE): PCM of 8, 16, 24 and 32 bits and floats of 32 and 64, WAVE_FORMAT_EXTENSIBLE
// included.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spectral {

inline constexpr std::int64_t kWavLowestRate = 1000, kWavHighestRate = 384'000;

struct Recording {
    std::int64_t rate = 0;       ///< samples a second
    std::vector<float> samples;  ///< the mean of all channels; full scale is 1
};

/// The whole file's bytes are believed nowhere: every chunk must lie within them. Throws Error, whose why()
/// says what is wrong: no WAV, truncated, compressed, an odd rate, no samples, a sample that is no number.
Recording read_wav(std::span<const std::uint8_t> bytes);

}  // namespace spectral

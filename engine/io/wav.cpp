// "RIFF" size "WAVE", then chunks: four letters, size, bytes, one more where the size is odd. "fmt " holds
// format, channels, rate, bytes a second, bytes a frame, bits; "data" holds the frames. Microsoft, Multimedia
// Programming Interface and Data Specifications 1.0; WAVEFORMATEXTENSIBLE of mmreg.h.
#include "engine/io/wav.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/error.hpp"

namespace spectral {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr unsigned kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;
constexpr unsigned kMostChannels = 64;
/// Full scale is 1; what is far beyond is a damaged file, and would make spectra overflow.
constexpr double kLoudest = 1000;
constexpr const char* kSaveAgain = "Save it again as PCM of 16 bits.";
constexpr const char* kFetchAgain = "Download or copy the file again.";

[[noreturn]] void refuse(std::string why, const char* hint = kSaveAgain) {
    throw Error("recording", std::move(why), hint);
}

std::uint64_t number(Bytes bytes, std::size_t first, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | bytes[first + i];
    return value;
}

std::string_view letters(Bytes bytes, std::size_t first) {
    return {reinterpret_cast<const char*>(bytes.data()) + first, 4};
}

struct Format {
    bool floats = false;
    std::int64_t rate = 0;
    std::size_t channels = 0, sample_bytes = 0;
};

std::string_view name_of(unsigned format) {
    switch (format) {
        case 2:
        case 17:
            return "ADPCM";
        case 6:
            return "A-law";
        case 7:
            return "µ-law";
        case 85:
            return "MP3";
        default:
            return "an unknown format";
    }
}

Format read_format(Bytes chunk) {
    if (chunk.size() < 16) refuse("its 'fmt ' chunk is too short", kFetchAgain);
    auto tag = static_cast<unsigned>(number(chunk, 0, 2));
    Format format;
    format.channels = static_cast<std::size_t>(number(chunk, 2, 2));
    format.rate = static_cast<std::int64_t>(number(chunk, 4, 4));
    const std::uint64_t frame_bytes = number(chunk, 12, 2), bits = number(chunk, 14, 2);
    if (tag == kExtensible) {
        // The format proper begins a GUID that ends alike for all.
        constexpr std::array<std::uint8_t, 14> kTail{0, 0, 0,    0, 0x10, 0,    0x80,
                                                     0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
        if (chunk.size() < 40) refuse("its 'fmt ' chunk is too short", kFetchAgain);
        if (!std::ranges::equal(chunk.subspan(26, kTail.size()), kTail))
            refuse("it is stored in an unknown format");
        tag = static_cast<unsigned>(number(chunk, 24, 2));
    }
    format.floats = tag == kFloat;
    if (tag != kPcm && tag != kFloat)
        refuse(fmt::format("it is stored as {} (format {}), not as PCM or floats", name_of(tag), tag));
    if (format.rate < kWavLowestRate || format.rate > kWavHighestRate)
        refuse(fmt::format("its rate of {} samples a second is not between {} and {}", format.rate,
                           kWavLowestRate, kWavHighestRate));
    if (format.channels == 0 || format.channels > kMostChannels)
        refuse(fmt::format("it has {} channels; 1 to {} can be read", format.channels, kMostChannels));
    const bool known =
        format.floats ? bits == 32 || bits == 64 : bits == 8 || bits == 16 || bits == 24 || bits == 32;
    if (!known) refuse(fmt::format("its samples have {} bits", bits));
    format.sample_bytes = static_cast<std::size_t>(bits / 8);
    if (frame_bytes != format.channels * format.sample_bytes)
        refuse(fmt::format("its header gives {} bytes for {} channels of {} bits", frame_bytes,
                           format.channels, bits),
               kFetchAgain);
    return format;
}

double value_of(Bytes frames, std::size_t first, const Format& format) {
    const std::uint64_t raw = number(frames, first, format.sample_bytes);
    if (format.floats)
        return format.sample_bytes == 4
                   ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)))
                   : std::bit_cast<double>(raw);
    if (format.sample_bytes == 1) return (static_cast<double>(raw) - 128) / 128;  // the one without a sign
    const auto unused = static_cast<unsigned>(64 - 8 * format.sample_bytes);
    return std::ldexp(static_cast<double>(static_cast<std::int64_t>(raw << unused)), -63);
}

std::vector<float> mix(Bytes frames, const Format& format) {
    const std::size_t frame_bytes = format.channels * format.sample_bytes;
    std::vector<float> samples(frames.size() / frame_bytes);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        double sum = 0;
        for (std::size_t channel = 0; channel < format.channels; ++channel) {
            const double value = value_of(frames, i * frame_bytes + channel * format.sample_bytes, format);
            if (!(std::abs(value) <= kLoudest))
                refuse(fmt::format("sample {} is {}: no sound is as loud", i, value), kFetchAgain);
            sum += value;
        }
        samples[i] = static_cast<float>(sum / static_cast<double>(format.channels));
    }
    return samples;
}

}  // namespace

Recording read_wav(Bytes bytes) {
    if (bytes.size() < 12 || letters(bytes, 0) != "RIFF" || letters(bytes, 8) != "WAVE")
        refuse("is no WAV file: it does not start with RIFF and WAVE");
    const std::uint64_t promised = number(bytes, 4, 4) + 8;
    if (promised > bytes.size())
        refuse(
            fmt::format("is truncated: its header promises {} bytes and it has {}", promised, bytes.size()),
            kFetchAgain);
    bytes = bytes.first(static_cast<std::size_t>(promised));
    std::optional<Format> format;
    for (std::size_t place = 12; bytes.size() - std::min(place, bytes.size()) >= 8;) {
        const std::string_view kind = letters(bytes, place);
        const auto size = static_cast<std::size_t>(number(bytes, place + 4, 4));
        place += 8;
        if (size > bytes.size() - place) {
            const bool printable = std::ranges::all_of(kind, [](char c) { return c >= ' ' && c <= '~'; });
            refuse(fmt::format("is truncated: its chunk '{}' promises {} bytes and {} follow",
                               printable ? kind : "?", size, bytes.size() - place),
                   kFetchAgain);
        }
        const Bytes chunk = bytes.subspan(place, size);
        place += size + size % 2;
        if (kind == "fmt ") {
            if (format) refuse("has two 'fmt ' chunks", kFetchAgain);
            format = read_format(chunk);
        }
        if (kind != "data") continue;
        if (!format) refuse("has its samples before their format", kFetchAgain);
        if (size == 0) refuse("holds no samples", "Leave it out.");
        if (size % (format->channels * format->sample_bytes) != 0)
            refuse("ends within a sample", kFetchAgain);
        return {format->rate, mix(chunk, *format)};
    }
    refuse("has no 'data' chunk", kFetchAgain);
}

}  // namespace spectral

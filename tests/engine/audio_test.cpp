// Recordings: every WAV format against the values that were written, damaged ones refused, rates and
// spectrograms against their definitions in double precision.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/data/resampler.hpp"
#include "engine/data/spectrogram.hpp"
#include "engine/io/wav.hpp"
#include "tests/engine/wav_files.hpp"
#include "tests/support/definitions.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

Recording read(const std::string& bytes) {
    return read_wav({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string refused(const std::string& bytes) {
    return failure([&] { read(bytes); });
}

void expect_says(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

std::string samples(unsigned bits, std::initializer_list<std::int64_t> values) {
    std::string data;
    for (const std::int64_t value : values)
        data += little_endian(static_cast<std::uint64_t>(value), bits / 8);
    return data;
}

TEST(Wav, EveryWidthIsRead) {
    for (const bool extensible : {false, true}) {
        SCOPED_TRACE(extensible);
        WavFormat format;
        format.extensible = extensible;
        format.bits = 8;
        EXPECT_EQ(read(wav(format, samples(8, {0, 128, 255}))).samples,
                  (std::vector<float>{-1, 0, 127.0F / 128}));
        for (const unsigned bits : {16U, 24U, 32U}) {
            format.bits = bits;
            const std::int64_t full = std::int64_t{1} << (bits - 1);
            EXPECT_EQ(
                read(wav(format, samples(bits, {-full, 0, full / 2, -full / 4, -1}))).samples,
                (std::vector<float>{-1, 0, 0.5, -0.25, static_cast<float>(-1.0 / static_cast<double>(full))}))
                << bits;
        }
        format.tag = 3;
        format.bits = 32;
        EXPECT_EQ(read(wav(format, samples(32, {std::bit_cast<std::int32_t>(-0.75F),
                                                std::bit_cast<std::int32_t>(1.5F)})))
                      .samples,
                  (std::vector<float>{-0.75F, 1.5F}));
        format.bits = 64;
        EXPECT_EQ(read(wav(format, samples(64, {std::bit_cast<std::int64_t>(0.1)}))).samples,
                  (std::vector<float>{0.1F}));
    }
}

TEST(Wav, ChannelsAreMixedAndOtherChunksPassedOver) {
    WavFormat format;
    format.channels = 2;
    format.rate = 44100;
    const std::string data = samples(16, {16384, 0, -16384, -16384, 8192, -8192});
    const std::string other = chunk("LIST", "odd");  // three bytes, and one to make it even
    const Recording recording = read(riff(other + format.text() + other + chunk("data", data) + other));
    EXPECT_EQ(recording.rate, 44100);
    EXPECT_EQ(recording.samples, (std::vector<float>{0.25, -0.5, 0}));
    format.channels = 5;
    EXPECT_EQ(read(wav(format, samples(16, {32767, 1, 1, -32768, -1}))).samples, std::vector<float>{0});
    EXPECT_EQ(read(wav({}, samples(16, {0})) + "what follows the end").samples.size(), 1U);
}

TEST(Wav, DamageIsToldOf) {
    const std::string sound = wav({}, samples(16, {1, 2, 3}));
    for (std::size_t length = 0; length < sound.size(); ++length)
        EXPECT_NE(refused(sound.substr(0, length)), "nothing was thrown") << length;
    expect_says(refused(sound.substr(0, 40)), "truncated: its header promises 50 bytes and it has 40");
    std::string long_chunk = sound;
    long_chunk.replace(40, 4, little_endian(7, 4));
    expect_says(refused(long_chunk), "its chunk 'data' promises 7 bytes and 6 follow");
    long_chunk.replace(40, 4, little_endian(UINT32_MAX, 4));
    expect_says(refused(long_chunk), "promises 4294967295 bytes");
    expect_says(refused(wav({}, "")), "no samples");
    expect_says(refused(wav({}, "odd")), "ends within a sample");
    expect_says(refused(riff(WavFormat{}.text())), "no 'data' chunk");
    expect_says(refused(riff(chunk("data", "..") + WavFormat{}.text())), "before their format");
    expect_says(refused(riff(WavFormat{}.text() + WavFormat{}.text())), "two 'fmt '");
    expect_says(refused(riff(chunk("fmt ", std::string(15, '\1')))), "too short");
    expect_says(refused("RIFX" + sound.substr(4)), "does not start with RIFF");
    for (const auto& [format, said] :
         std::vector<std::pair<WavFormat, std::string>>{{{.rate = 0}, "rate of 0"},
                                                        {{.rate = 999}, "rate of 999"},
                                                        {{.rate = 4'000'000'000}, "rate of 4000000000"},
                                                        {{.channels = 0}, "0 channels"},
                                                        {{.channels = 65}, "65 channels"},
                                                        {{.bits = 12}, "12 bits"},
                                                        {{.tag = 3, .bits = 16}, "16 bits"},
                                                        {{.tag = 6, .bits = 8}, "A-law"},
                                                        {{.tag = 85}, "MP3"},
                                                        {{.tag = 999, .extensible = true}, "format 999"}})
        expect_says(refused(wav(format, "01234567")), said);
    std::string guid = wav({.extensible = true}, "..");
    guid[50] = 'x';
    expect_says(refused(guid), "unknown format");
    std::string frame = sound;
    frame[32] = 3;
    expect_says(refused(frame), "3 bytes for 1 channels of 16 bits");
    for (const float wrong : {NAN, INFINITY, -1e30F})
        expect_says(
            refused(wav({.tag = 3, .bits = 32}, samples(32, {0, std::bit_cast<std::int32_t>(wrong)}))),
            "sample 1 is");
}

double kernel(double t, double c) {
    const double x = c * t, pi = std::numbers::pi;
    if (std::abs(x) >= 16) return 0;
    return (x == 0 ? 1 : std::sin(pi * x) / (pi * x)) * std::pow(std::cos(pi * x / 32), 2);
}

TEST(Resampling, AgreesWithTheDefinition) {
    Random random(4);
    for (const auto& [from, to] : std::vector<std::pair<std::int64_t, std::int64_t>>{{8000, 8000},
                                                                                     {16000, 8000},
                                                                                     {8000, 16000},
                                                                                     {44100, 8000},
                                                                                     {8000, 44100},
                                                                                     {11025, 8000},
                                                                                     {7, 5},
                                                                                     {5, 97}})
        for (const std::size_t length : {0U, 1U, 2U, 101U}) {
            SCOPED_TRACE(fmt::format("{} → {}, {}", from, to, length));
            std::vector<float> x(length);
            for (float& value : x) value = static_cast<float>(random.normal());
            Resampler resampler(from, to);
            const std::int64_t expected =
                length == 0 ? 0 : (static_cast<std::int64_t>(length) - 1) * to / from + 1;
            EXPECT_EQ(resampler.length_of(static_cast<std::int64_t>(length)), expected);
            std::vector<float> y(static_cast<std::size_t>(expected) + 3, 7.0F);
            resampler.run(x, y);
            if (from == to) {
                EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin()));
            }
            const double c = std::min(1.0, static_cast<double>(to) / static_cast<double>(from));
            for (std::int64_t m = 0; m < std::ssize(y); ++m) {
                const double at =
                    static_cast<double>(m) * static_cast<double>(from) / static_cast<double>(to);
                double sum = 0, weight = 0;
                const auto reach = static_cast<std::int64_t>(16 / c) + 2;
                for (std::int64_t n = static_cast<std::int64_t>(at) - reach;
                     n < static_cast<std::int64_t>(at) + reach; ++n) {
                    const double w = kernel(at - static_cast<double>(n), c);
                    weight += w;
                    if (n >= 0 && n < std::ssize(x))
                        sum += w * static_cast<double>(x[static_cast<std::size_t>(n)]);
                }
                EXPECT_NEAR(static_cast<double>(y[static_cast<std::size_t>(m)]),
                            m < expected ? sum / weight : 0, 1e-5)
                    << m;
            }
        }
}

/// What it is for: a tone keeps its frequency, and what the lower rate cannot hold goes.
TEST(Resampling, KeepsToneAndStopsAliases) {
    const auto tone = [](double hertz, double rate, std::size_t length) {
        std::vector<float> x(length);
        for (std::size_t n = 0; n < length; ++n)
            x[n] = static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n) / rate));
        return x;
    };
    Resampler resampler(44100, 8000);
    std::vector<float> low(800), high(800);
    resampler.run(tone(1000, 44100, 4410), low);
    resampler.run(tone(6000, 44100, 4410), high);
    const std::vector<float> expected = tone(1000, 8000, 800);
    for (std::size_t n = 100; n < 700; ++n) {
        EXPECT_NEAR(low[n], expected[n], 2e-3);
        EXPECT_NEAR(high[n], 0, 2e-3);
    }
}

TEST(Spectrograms, AgreeWithTheDefinition) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    Random random(5);
    for (const auto& [length, window, hop] : std::vector<std::array<std::int64_t, 3>>{
             {2, 2, 1}, {7, 7, 3}, {101, 13, 5}, {256, 64, 32}, {300, 64, 65}, {9001, 97, 3}}) {
        SCOPED_TRACE(length);
        const SpectrogramOptions options{length, window, hop, -40};
        std::vector<float> x(static_cast<std::size_t>(length));
        for (float& value : x) value = static_cast<float>(random.normal());
        Spectrogram spectrogram({*backend, budget}, options);
        std::vector<float> y(static_cast<std::size_t>(options.frames() * options.bins()));
        spectrogram.run(x, y);
        std::vector<double> powers;
        for (std::int64_t t = 0; t * hop + window <= length; ++t) {
            definition::Doubles frame;
            for (std::int64_t n = 0; n < window; ++n)
                frame.push_back((0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) /
                                                      static_cast<double>(window))) *
                                static_cast<double>(x[static_cast<std::size_t>(t * hop + n)]));
            for (const auto& value : definition::rfft(frame, {1, {window}}))
                powers.push_back(std::norm(value));
        }
        ASSERT_EQ(powers.size(), y.size());
        const double loudest = *std::max_element(powers.begin(), powers.end());
        for (std::size_t i = 0; i < y.size(); ++i)
            EXPECT_NEAR(y[i], 1 + 2 * std::max(10 * std::log10(powers[i] / loudest), -40.0) / 40, 1e-4);
        spectrogram.run(std::vector<float>(x.size()), y);
        EXPECT_EQ(y, std::vector<float>(y.size(), -1));  // silence
    }
}

}  // namespace
}  // namespace spectral::test

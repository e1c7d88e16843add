// WAV files and tar archives written by hand, for the tests of their readers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spectral::test {

inline std::string little_endian(std::uint64_t value, std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(value >> (8 * i) & 0xFFU);
    return text;
}

inline std::string chunk(const std::string& kind, const std::string& bytes) {
    return kind + little_endian(bytes.size(), 4) + bytes +
           (bytes.size() % 2 != 0 ? std::string(1, '\0') : "");
}

inline std::string riff(const std::string& chunks) {
    return "RIFF" + little_endian(chunks.size() + 4, 4) + "WAVE" + chunks;
}

struct WavFormat {
    unsigned tag = 1, channels = 1, rate = 8000, bits = 16;
    bool extensible = false;
    std::string text() const {
        const unsigned frame = channels * (bits / 8);
        std::string format = little_endian(extensible ? 0xFFFE : tag, 2) + little_endian(channels, 2) +
                             little_endian(rate, 4) + little_endian(std::uint64_t{rate} * frame, 4) +
                             little_endian(frame, 2) + little_endian(bits, 2);
        if (extensible)
            format += little_endian(22, 2) + little_endian(bits, 2) + little_endian(0, 4) +
                      little_endian(tag, 2) + std::string("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
        return chunk("fmt ", format);
    }
};

inline std::string wav(const WavFormat& format, const std::string& data) {
    return riff(format.text() + chunk("data", data));
}

/// One ustar member; `type` '5' is a directory.
inline std::string tar_member(const std::string& name, const std::string& contents, char type = '0') {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    const auto octal = [](std::size_t value, int digits) {
        char text[16];
        std::snprintf(text, sizeof(text), "%0*zo", digits, value);
        return std::string(text);
    };
    header.replace(100, 7, octal(0644, 7));
    header.replace(124, 11, octal(contents.size(), 11));
    header[156] = type;
    header.replace(257, 8,
                   std::string("ustar\0"
                               "00",
                               8));
    header.replace(148, 8, "        ");
    std::size_t sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    header.replace(148, 7, octal(sum, 6) + std::string(1, '\0'));
    return header + contents + std::string((512 - contents.size() % 512) % 512, '\0');
}

inline std::string tar(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string text;
    for (const auto& [name, contents] : members) text += tar_member(name, contents);
    return text + std::string(1024, '\0');
}

}  // namespace spectral::test

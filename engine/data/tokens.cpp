// UTF-8 after RFC 3629: one to four bytes, the shortest form, no surrogates.
#include "engine/data/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"

namespace spectral {
namespace {

constexpr char32_t kLastCharacter = 0x10FFFF;

constexpr bool is_surrogate(char32_t character) { return character >= 0xD800 && character <= 0xDFFF; }

[[noreturn]] void refuse_utf8(std::size_t place) {
    throw Error("text", fmt::format("is no UTF-8: byte {} begins no character", place),
                "Save it as UTF-8, or take its bytes as they are (--unit byte).");
}

/// The character at `place`, which moves behind it.
char32_t take_character(std::string_view text, std::size_t& place) {
    const std::size_t start = place;
    const auto first = static_cast<unsigned char>(text[place++]);
    if (first < 0x80) return first;
    const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || more > text.size() - place) refuse_utf8(start);
    char32_t character = first & (0x3FU >> more);
    for (std::size_t i = 0; i < more; ++i) {
        const auto byte = static_cast<unsigned char>(text[place++]);
        if ((byte & 0xC0U) != 0x80) refuse_utf8(start);
        character = character << 6 | (byte & 0x3FU);
    }
    constexpr char32_t kShortest[] = {0, 0x80, 0x800, 0x10000};
    if (character < kShortest[more] || character > kLastCharacter || is_surrogate(character))
        refuse_utf8(start);
    return character;
}

void append_character(char32_t character, std::string& text) {
    const auto tail = [&](int shift) {
        text += static_cast<char>(0x80U | (static_cast<unsigned>(character) >> shift & 0x3FU));
    };
    if (character < 0x80) {
        text += static_cast<char>(character);
    } else if (character < 0x800) {
        text += static_cast<char>(0xC0U | character >> 6);
        tail(0);
    } else if (character < 0x10000) {
        text += static_cast<char>(0xE0U | character >> 12);
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0U | character >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

template <class Visit>
void for_each_unit(TokenUnit unit, std::string_view text, const Heed& heed, const Visit& visit) {
    constexpr std::size_t kHeedBytes = std::size_t{4} << 20;
    for (std::size_t place = 0, next = 0; place < text.size();) {
        if (place >= next) {
            if (heed) heed();
            next = place + kHeedBytes;
        }
        visit(unit == TokenUnit::byte ? static_cast<unsigned char>(text[place++])
                                      : take_character(text, place));
    }
}

}  // namespace

Vocabulary::Vocabulary(TokenUnit unit, std::string_view text, const Heed& heed) : unit_(unit) {
    std::vector<bool> seen(unit == TokenUnit::byte ? 256 : kLastCharacter + 1);
    for_each_unit(unit, text, heed, [&](char32_t each) { seen[each] = true; });
    for (std::size_t each = 0; each < seen.size(); ++each)
        if (seen[each]) units_.push_back(static_cast<char32_t>(each));
}

Vocabulary::Vocabulary(TokenUnit unit, std::vector<char32_t> units) : unit_(unit), units_(std::move(units)) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        if (units_[i] > (unit == TokenUnit::byte ? 0xFF : kLastCharacter) ||
            (unit == TokenUnit::character && is_surrogate(units_[i])))
            throw Error("vocabulary", fmt::format("holds {}, which is no {}",
                                                  static_cast<std::uint32_t>(units_[i]), unit_name()));
        if (i > 0 && units_[i] <= units_[i - 1])
            throw Error("vocabulary", fmt::format("is not in ascending order at {}", i));
    }
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text, const Heed& heed) const {
    std::vector<std::int32_t> tokens;
    tokens.reserve(count_units(unit_, text, heed));
    // Looked up once for each that occurs: a search for each of millions would take its time.
    std::vector<std::int32_t> token_of(units_.empty() ? 0 : units_.back() + 1, -1);
    for (std::size_t i = 0; i < units_.size(); ++i) token_of[units_[i]] = static_cast<std::int32_t>(i);
    for_each_unit(unit_, text, heed, [&](char32_t each) {
        const std::int32_t token = each < token_of.size() ? token_of[each] : -1;
        if (token < 0)
            throw Error("text",
                        fmt::format("holds {}{:04X}, which the vocabulary does not have",
                                    unit_ == TokenUnit::byte ? "byte 0x" : "character U+",
                                    static_cast<std::uint32_t>(each)),
                        "Use only what occurs in the text that the vocabulary is of.");
        tokens.push_back(token);
    });
    return tokens;
}

std::string Vocabulary::decode(std::span<const std::int32_t> tokens) const {
    std::string text;
    for (const std::int32_t token : tokens) {
        if (token < 0 || token >= size())
            throw Error(fmt::format("token {}", token), fmt::format("the vocabulary has {}", size()),
                        "Tokens count from 0.");
        const char32_t unit = units_[static_cast<std::size_t>(token)];
        if (unit_ == TokenUnit::byte)
            text += static_cast<char>(unit);
        else
            append_character(unit, text);
    }
    return text;
}

std::string Vocabulary::name(std::int32_t token) const {
    const char32_t unit = units_.at(static_cast<std::size_t>(token));
    if (unit == ' ') return "space";
    if (unit == '\n') return "\\n";
    if (unit == '\t') return "\\t";
    if (unit == '\r') return "\\r";
    const bool control = unit < 0x20 || (unit >= 0x7F && unit < 0xA0);
    if (control || (unit_ == TokenUnit::byte && unit >= 0x7F))
        return fmt::format("0x{:02x}", static_cast<std::uint32_t>(unit));
    return decode(std::span(&token, 1));
}

std::size_t count_units(TokenUnit unit, std::string_view text, const Heed& heed) {
    if (unit == TokenUnit::byte) return text.size();
    std::size_t count = 0;
    for_each_unit(unit, text, heed, [&](char32_t) { ++count; });
    return count;
}

}  // namespace spectral

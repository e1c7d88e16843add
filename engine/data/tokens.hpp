// Text as integers: the vocabulary, and windows of a stream of tokens with what follows them.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spectral {

/// What one token stands for: a Unicode character of UTF-8, or a byte.
enum class TokenUnit { character, byte };

/// Called every few MiB of a text; what it throws ends the work.
using Heed = std::function<void()>;

/// The different characters or bytes of a text, ascending by their number: token t is the t-th of them.
class Vocabulary {
public:
    Vocabulary() = default;
    /// Of the units that `text` holds. Throws Error, whose why() names the place, where it is no UTF-8.
    Vocabulary(TokenUnit unit, std::string_view text, const Heed& heed = {});
    /// As units() of another gave them. Throws Error where they do not ascend or are no characters or bytes.
    Vocabulary(TokenUnit unit, std::vector<char32_t> units);

    TokenUnit unit() const { return unit_; }
    /// "character" or "byte".
    std::string_view unit_name() const { return unit_ == TokenUnit::byte ? "byte" : "character"; }
    std::int64_t size() const { return static_cast<std::int64_t>(units_.size()); }
    std::span<const char32_t> units() const { return units_; }
    /// Throws Error on a unit that the vocabulary does not hold, and where the text is no UTF-8.
    std::vector<std::int32_t> encode(std::string_view text, const Heed& heed = {}) const;
    /// Throws Error on a number that is no token.
    std::string decode(std::span<const std::int32_t> tokens) const;
    /// For people, and no two alike: "a", "space", "\n", "0xff".
    std::string name(std::int32_t token) const;

    bool operator==(const Vocabulary&) const = default;

private:
    TokenUnit unit_ = TokenUnit::character;
    std::vector<char32_t> units_;  ///< ascending
};

/// Units of a text. Throws as Vocabulary's constructor.
std::size_t count_units(TokenUnit unit, std::string_view text, const Heed& heed = {});

/// Windows of `context` tokens, `stride` apart, of one stream; the last is followed by one token at least.
struct TokenWindows {
    std::vector<std::int32_t> tokens;
    std::int64_t vocabulary = 0;  ///< tokens are below it
    std::int64_t context = 1, stride = 1;

    std::int64_t count() const {
        const auto length = static_cast<std::int64_t>(tokens.size());
        return length > context ? (length - context - 1) / stride + 1 : 0;
    }
    std::span<const std::int32_t> window(std::int64_t i) const { return part(i * stride); }
    /// The token behind each of the window's, which a sequence model predicts at every place. The last one is
    /// the label that the window has as a sample.
    std::span<const std::int32_t> targets(std::int64_t i) const { return part(i * stride + 1); }

    bool operator==(const TokenWindows&) const = default;

private:
    std::span<const std::int32_t> part(std::int64_t first) const {
        assert(first >= 0 && first + context <= static_cast<std::int64_t>(tokens.size()));
        return std::span(tokens).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(context));
    }
};

}  // namespace spectral

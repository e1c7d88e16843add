#include "engine/core/random.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/philox.hpp"

namespace spectral {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
    const auto joined = [](std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; };
    const auto [word] =
        philox_block(joined(key[0], key[1]), joined(counter[2], counter[3]), joined(counter[0], counter[1]));
    return {word[0], word[1], word[2], word[3]};
}

std::uint32_t Random::next() {
    const auto lane = static_cast<std::size_t>(position_ % 4);
    if (lane == 0) {
        const std::uint64_t block = position_ / 4;
        block_ = philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                         static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                        {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    }
    ++position_;
    return block_[lane];
}

std::uint32_t Random::below(std::uint32_t bound) {
    // Lemire's multiply-shift: the low half tells when a draw would favour small values.
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
        const std::uint32_t threshold = -bound % bound;
        while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
}

double Random::uniform() {
    const std::uint64_t high = next() >> 5, low = next() >> 6;
    return static_cast<double>(high * 67108864 + low) / 9007199254740992.0;
}

double Random::normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
}

void Random::shuffle(std::span<std::uint32_t> values) {
    for (std::size_t i = values.size(); i > 1; --i)
        std::swap(values[i - 1], values[below(static_cast<std::uint32_t>(i))]);
}

}  // namespace spectral

// Philox 4x32-10 (Salmon et al. 2011), the block function of counter-based random numbers, on host and
// device.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define SPECTRAL_HOST_DEVICE __host__ __device__
#else
#define SPECTRAL_HOST_DEVICE
#endif

namespace spectral {

struct PhiloxBlock {
    std::uint32_t word[4];
};

/// Block `index` of the stream named by (seed, stream).
SPECTRAL_HOST_DEVICE inline PhiloxBlock philox_block(std::uint64_t seed, std::uint64_t stream,
                                                     std::uint64_t index) {
    constexpr std::uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
    constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
    PhiloxBlock c{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = kMultiply0 * c.word[0], product1 = kMultiply1 * c.word[2];
        c = {{static_cast<std::uint32_t>(product1 >> 32) ^ c.word[1] ^ key0,
              static_cast<std::uint32_t>(product1),
              static_cast<std::uint32_t>(product0 >> 32) ^ c.word[3] ^ key1,
              static_cast<std::uint32_t>(product0)}};
        key0 += kWeyl0;
        key1 += kWeyl1;
    }
    return c;
}

}  // namespace spectral

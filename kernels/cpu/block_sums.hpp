// Sums over blocks of complex values, the same however the blocks are dealt out.
#pragma once

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/ops/blocks.hpp"

namespace spectral::cpu {

/// Σ weight[i]·|x[i]|² over `size` ≤ kBlockSize values, in double; `weight` null: 1 each.
double block_energy(const Complex* x, const std::uint8_t* weight, std::int64_t size);

/// Calls body(block, begin, end) for every block of [0, size), in any thread.
template <class Body>
void for_blocks(Backend& backend, std::int64_t size, const Body& body) {
    as_cpu(backend).pool().split(block_count(size), [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t block = first; block < last; ++block)
            body(block, block * kBlockSize, std::min(size, (block + 1) * kBlockSize));
    });
}

}  // namespace spectral::cpu

// What the passes of the radix selection share.
#pragma once

#include "kernels/ops/select.hpp"

namespace spectral::cpu {

/// A key's 31 bits: the upper 16 pick a bin of the first histogram, the lower ones a bin of the second.
inline constexpr int kLowerBits = 15;
inline constexpr std::int64_t kLowerBins = 1 << kLowerBits;
static_assert(2 * kLowerBins <= TopK::kBins, "weights and counts of the second take the place of the first");

inline std::int64_t weight_of(const TopK& op, std::int64_t i) { return op.weight ? op.weight[i] : 1; }

}  // namespace spectral::cpu

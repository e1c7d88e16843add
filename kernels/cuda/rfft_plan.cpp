#include "kernels/cuda/rfft_plan.hpp"

#include <algorithm>

namespace spectral::cuda {

namespace {

constexpr int kWarpThreads = 32;
constexpr int kSeveralRowsThreads = 256;  ///< of a block with more than one row, at most
constexpr int kMostSamples = 1 << 15;     ///< Divisor is exact up to there
constexpr std::size_t kPointBytes = 8;

struct Radices {
    int count = 0;
    int value[RfftPlan::kMostPasses] = {};

    void add(int radix) { value[count++] = radix; }
};

/// An odd radix first: the first pass stores with that stride, and an odd one meets every bank. Behind it the
/// even ones, whose strides are then products with it. None where there is another prime factor.
Radices radices(int points) {
    int rest = points, twos = 0;
    for (; rest % 2 == 0; rest /= 2) ++twos;
    Radices odd, all;
    for (const int prime : {13, 11, 7, 5, 3})
        for (; rest % prime == 0; rest /= prime) odd.add(prime);
    if (rest != 1) return {};
    if (odd.count > 0) all.add(odd.value[0]);
    while (twos > 0) {
        const int taken = twos == 4 ? 2 : std::min(twos, 3);  // 4 · 4, not 8 · 2
        all.add(1 << taken);
        twos -= taken;
    }
    for (int i = 1; i < odd.count; ++i) all.add(odd.value[i]);
    if (all.count == 0) all.add(1);
    return all;
}

void set_rows(RfftPlan& plan, int rows) {
    const int points = rows * plan.points;
    plan.rows = rows;
    plan.buffer_points = plan.padded ? points + (points >> RfftPlan::kBankShift) : points;
    const int unpacking = plan.packed ? plan.points / 2 + 1 : 0;
    plan.shared_bytes =
        static_cast<std::size_t>(plan.points + unpacking + 2 * plan.buffer_points) * kPointBytes;
}

}  // namespace

Divisor divisor(int value) {
    const auto positive = static_cast<std::uint32_t>(value);
    return {positive, (std::uint32_t{1} << 31) / positive + 1};
}

RfftPlan rfft_plan(std::int64_t samples, std::size_t shared_bytes) {
    if (samples < 1 || samples > kMostSamples) return {};
    RfftPlan plan;
    plan.samples = static_cast<int>(samples);
    plan.packed = samples % 2 == 0;
    plan.points = plan.packed ? plan.samples / 2 : plan.samples;
    const Radices all = radices(plan.points);
    int before = 1, most = 1;
    for (; plan.passes < all.count; ++plan.passes) {
        const int radix = all.value[plan.passes], butterflies = plan.points / radix;
        plan.pass[plan.passes] = {radix, before, divisor(butterflies), divisor(before)};
        before *= radix;
        most = std::max(most, butterflies);
    }
    if (plan.passes == 0) return {};
    plan.padded = all.value[0] % 2 == 0 && plan.points > (1 << RfftPlan::kBankShift);
    plan.by_pairs = divisor(plan.points / 2 + 1);
    set_rows(plan, std::max(kSeveralRowsThreads / most, 1));
    // Four blocks on a multiprocessor: one loads while others compute.
    while (plan.rows > 1 && plan.shared_bytes > shared_bytes / 4) set_rows(plan, plan.rows - 1);
    if (plan.shared_bytes > shared_bytes) return {};
    const int threads = (plan.rows * most + kWarpThreads - 1) / kWarpThreads * kWarpThreads;
    plan.threads = std::min(threads, RfftPlan::kMostThreads);
    return plan;
}

}  // namespace spectral::cuda

// Energy, sum and peak of complex values: every block on its own, then the blocks in their order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include "kernels/ops/reduce.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "kernels/cpu/block_sums.hpp"
#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/energy_keys-inl.hpp"
#include "kernels/cpu/operations.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

using Doubles = hn::CappedTag<double, 8>;
using Halves = hn::Rebind<float, Doubles>;

double block_energy(const Complex* x, std::int64_t size) {
    const Doubles d;
    const Halves narrow;
    const auto* parts = reinterpret_cast<const float*>(x);
    const auto step = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t floats = 2 * size;
    auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    const auto add = [&](std::int64_t i, auto& sum) HWY_ATTR {
        const auto value = hn::PromoteTo(d, hn::LoadU(narrow, parts + i));
        sum = hn::MulAdd(value, value, sum);
    };
    std::int64_t i = 0;
    for (; i + 4 * step <= floats; i += 4 * step) {
        add(i, sum0);
        add(i + step, sum1);
        add(i + 2 * step, sum2);
        add(i + 3 * step, sum3);
    }
    double tail = 0;
    for (; i < floats; ++i) tail += static_cast<double>(parts[i]) * static_cast<double>(parts[i]);
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)))) + tail;
}

void block_sum(const Complex* x, std::int64_t size, std::complex<double>* y) {
    const Doubles d;
    const Halves narrow;
    const auto* parts = reinterpret_cast<const float*>(x);
    const auto step = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum_re = hn::Zero(d), sum_im = sum_re;
    std::int64_t i = 0;
    for (; i + step <= size; i += step) {
        hn::Vec<Halves> re, im;
        hn::LoadInterleaved2(narrow, parts + 2 * i, re, im);
        sum_re = hn::Add(sum_re, hn::PromoteTo(d, re));
        sum_im = hn::Add(sum_im, hn::PromoteTo(d, im));
    }
    std::complex<double> sum{hn::GetLane(hn::SumOfLanes(d, sum_re)), hn::GetLane(hn::SumOfLanes(d, sum_im))};
    for (; i < size; ++i) sum += widen(x[i]);
    *y = sum;
}

/// The largest key and the first index that has it in one number that orders like both; begin < end.
std::uint64_t block_peak(const Complex* x, std::int64_t begin, std::int64_t end) {
    std::uint64_t largest = 0;
    for_keys(x, begin, end, [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
        std::uint32_t key = 0;
        for (std::int64_t i = 0; i < count; ++i) key = std::max(key, keys[i]);
        const std::int64_t index = first + (std::find(keys, keys + count, key) - keys);
        largest = std::max(largest, std::uint64_t{key} << 32 | static_cast<std::uint32_t>(~index));
    });
    return largest;
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(block_energy);
HWY_EXPORT(block_sum);
HWY_EXPORT(block_peak);

double weighted_energy(const Complex* x, const std::uint8_t* weight, std::int64_t size) {
    double sums[4] = {};
    std::int64_t i = 0;
    for (; i + 4 <= size; i += 4)
        for (std::int64_t j = 0; j < 4; ++j) sums[j] += static_cast<double>(weight[i + j]) * energy(x[i + j]);
    for (; i < size; ++i) sums[0] += static_cast<double>(weight[i]) * energy(x[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void run_energy_reference(Backend& /*backend*/, const ComplexEnergy& op) {
    double sum = 0;
    for (std::int64_t i = 0; i < op.size; ++i) sum += (op.weight ? op.weight[i] : 1) * energy(op.x[i]);
    *op.y = sum;
}

void run_energy(Backend& backend, const ComplexEnergy& op) {
    for_blocks(backend, op.size, [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
        op.scratch[block] = block_energy(op.x + begin, op.weight ? op.weight + begin : nullptr, end - begin);
    });
    *op.y = std::accumulate(op.scratch, op.scratch + block_count(op.size), 0.0);
}

void run_sum_reference(Backend& /*backend*/, const ComplexSum& op) {
    std::complex<double> sum;
    for (std::int64_t i = 0; i < op.size; ++i) sum += widen(op.x[i]);
    *op.y = sum;
}

void run_sum(Backend& backend, const ComplexSum& op) {
    for_blocks(backend, op.size, [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(block_sum)(op.x + begin, end - begin, op.scratch + block);
    });
    *op.y = std::accumulate(op.scratch, op.scratch + block_count(op.size), std::complex<double>());
}

Peak peak_of(std::uint32_t key, std::int64_t index) { return {std::sqrt(std::bit_cast<float>(key)), index}; }

void run_peak_reference(Backend& /*backend*/, const PeakMagnitude& op) {
    std::uint32_t largest = 0;
    std::int64_t index = -1;
    for (std::int64_t i = 0; i < op.size; ++i) {
        const std::uint32_t key = energy_key(op.x[i]);
        if (index >= 0 && key <= largest) continue;
        largest = key;
        index = i;
    }
    *op.y = peak_of(largest, index);
}

void run_peak(Backend& backend, const PeakMagnitude& op) {
    for_blocks(backend, op.size, [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
        op.scratch[block] = HWY_DYNAMIC_DISPATCH(block_peak)(op.x, begin, end);
    });
    const auto* largest = std::max_element(op.scratch, op.scratch + block_count(op.size));
    *op.y = op.size == 0
                ? Peak{}
                : peak_of(static_cast<std::uint32_t>(*largest >> 32), static_cast<std::uint32_t>(~*largest));
}

}  // namespace

double block_energy(const Complex* x, const std::uint8_t* weight, std::int64_t size) {
    return weight ? weighted_energy(x, weight, size) : HWY_DYNAMIC_DISPATCH(block_energy)(x, size);
}

void add_reduce(OpTable& table) {
    constexpr auto kPlain = "one value after the other, in double precision";
    constexpr auto kBlocks = "blocks in vector registers, split over the threads, then added in their order";
    table.add<ComplexEnergy>(Level::reference, run_energy_reference, kPlain);
    table.add<ComplexEnergy>(Level::tiled, run_energy, kBlocks);
    table.add<ComplexSum>(Level::reference, run_sum_reference, kPlain);
    table.add<ComplexSum>(Level::tiled, run_sum, kBlocks);
    table.add<PeakMagnitude>(Level::reference, run_peak_reference, "one value after the other");
    table.add<PeakMagnitude>(Level::tiled, run_peak,
                             "magnitudes compared in vector registers, blocks split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

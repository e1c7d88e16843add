// Complex values at or above a magnitude: each part counts its own, then writes from where the others end.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/select.cpp"
#include "kernels/ops/select.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/energy_keys-inl.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/parts.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

std::int64_t count_above(const SelectAbove& op, std::uint32_t lowest, std::int64_t begin, std::int64_t end) {
    std::int64_t found = 0;
    for_keys(op.x, begin, end, [&](std::int64_t, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
        found += count_from(keys, count, lowest);
    });
    return found;
}

void write_above(const SelectAbove& op, std::uint32_t lowest, std::int64_t begin, std::int64_t end,
                 std::int64_t out) {
    for_keys(op.x, begin, end,
             [&](std::int64_t first, const std::uint32_t* keys, std::int64_t count) HWY_ATTR {
                 if (out >= op.capacity) return;
                 for_keys_from(keys, count, lowest, [&](std::int64_t i) {
                     if (out >= op.capacity) return;
                     op.index[out] = static_cast<std::uint32_t>(first + i);
                     op.v[out++] = op.x[first + i];
                 });
             });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(count_above);
HWY_EXPORT(write_above);

void run_reference(Backend& /*backend*/, const SelectAbove& op) {
    const std::uint32_t lowest = energy_key(op.threshold);
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < op.size; ++i) {
        if (energy_key(op.x[i]) < lowest) continue;
        if (count < op.capacity) {
            op.index[count] = static_cast<std::uint32_t>(i);
            op.v[count] = op.x[i];
        }
        ++count;
    }
    *op.count = count;
}

void run_tiled(Backend& backend, const SelectAbove& op) {
    const std::uint32_t lowest = energy_key(op.threshold);
    const Parts parts(backend, op.size);
    parts.each([&](std::int64_t part) {
        op.scratch[part] = HWY_DYNAMIC_DISPATCH(count_above)(op, lowest, parts.begin(part), parts.end(part));
    });
    *op.count = exclusive_sum(op.scratch, parts.count());
    parts.each([&](std::int64_t part) {
        HWY_DYNAMIC_DISPATCH(write_above)(op, lowest, parts.begin(part), parts.end(part), op.scratch[part]);
    });
}

}  // namespace

void add_select_above(OpTable& table) {
    table.add<SelectAbove>(Level::reference, run_reference, "one value after the other");
    table.add<SelectAbove>(
        Level::tiled, run_tiled,
        "magnitudes compared in vector registers, counted and then written by the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

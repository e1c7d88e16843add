// Numbers rounded to whole steps, one step for every block of them.
#include "kernels/ops/round.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

float in_eleven_bits(float value) {
    return std::bit_cast<float>(round_to_half_bits(std::bit_cast<std::uint32_t>(value)));
}

void round_block(const float* x, float* y, std::int64_t size, int levels) {
    float peak = 0;
    for (std::int64_t i = 0; i < size; ++i) peak = std::max(peak, std::abs(x[i]));
    const double step = in_eleven_bits(static_cast<float>(static_cast<double>(peak) / levels));
    for (std::int64_t i = 0; i < size; ++i) {
        const double steps = step > 0 ? std::round(static_cast<double>(x[i]) / step) : 0;
        y[i] = static_cast<float>(std::clamp<double>(steps, -levels, levels) * step);
    }
}

void run_round_in_blocks(Backend& backend, const RoundInBlocks& op) {
    if (op.size == 0) return;
    const std::int64_t blocks = (op.size + op.block - 1) / op.block;
    as_cpu(backend).pool().split(blocks, [&](int, std::int64_t begin, std::int64_t end) {
        const std::int64_t first = begin * op.block, last = std::min(end * op.block, op.size);
        if (op.levels == 0) {
            for (std::int64_t i = first; i < last; ++i) op.y[i] = in_eleven_bits(op.x[i]);
            return;
        }
        for (std::int64_t i = first; i < last; i += op.block)
            round_block(op.x + i, op.y + i, std::min(op.block, last - i), op.levels);
    });
}

}  // namespace

void add_round(OpTable& table) {
    table.add<RoundInBlocks>(Level::tiled, run_round_in_blocks, "blocks split over the threads");
}

}  // namespace spectral::cpu

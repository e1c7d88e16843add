// Sum of squares in double precision, in a fixed order; the verdict on a training step.
#include <numeric>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/optimiser.hpp"

namespace spectral::cpu {

namespace {

void run_sum_squares(Backend& /*backend*/, const SumSquares& op) {
    // Eight chains, always combined in the same order: fast enough, and the same on every run.
    double sums[8] = {};
    std::int64_t i = 0;
    for (; i + 8 <= op.size; i += 8)
        for (std::int64_t j = 0; j < 8; ++j)
            sums[j] += static_cast<double>(op.x[i + j]) * static_cast<double>(op.x[i + j]);
    for (; i < op.size; ++i) sums[0] += static_cast<double>(op.x[i]) * static_cast<double>(op.x[i]);
    *op.y = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void run_judge_step(Backend& /*backend*/, const JudgeStep& op) {
    *op.verdict = {*op.sums, std::accumulate(op.squares, op.squares + op.parameters, 0.0)};
}

}  // namespace

void add_sum_squares(OpTable& table) {
    table.add<SumSquares>(Level::fused, run_sum_squares, "one pass, eight chains in double precision");
    table.add<JudgeStep>(Level::reference, run_judge_step, "a plain loop");
}

}  // namespace spectral::cpu

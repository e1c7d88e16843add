// Copying past the caches and multiply-adds in registers: what the machine's ceiling is measured with.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/ceiling.cpp"
#include "kernels/ops/ceiling.hpp"

#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// Streaming stores: the old contents of y are not read. begin is a multiple of 16 floats.
void stream_copy(const StreamCopy& op, std::int64_t begin, std::int64_t end) {
    const Floats d;
    const std::int64_t step = lanes();
    std::int64_t i = begin;
    for (; i + step <= end; i += step) hn::Stream(hn::Load(d, op.x + i), d, op.y + i);
    for (; i < end; ++i) op.y[i] = op.x[i];
}

/// Twelve chains at once hide the latency of the multiply-add.
void multiply_add(const RepeatedMultiplyAdd& op, std::int64_t begin, std::int64_t end) {
    constexpr int kChains = 12;
    const Floats d;
    const Vector a = hn::Set(d, op.a), b = hn::Set(d, op.b);
    const std::int64_t step = lanes();
    std::int64_t i = begin;
    for (; i + kChains * step <= end; i += kChains * step) {
        Vector v[std::size_t{kChains}];
#pragma GCC unroll 12
        for (int c = 0; c < kChains; ++c) v[c] = hn::LoadU(d, op.x + i + c * step);
        for (std::int64_t round = 0; round < op.rounds; ++round) {
#pragma GCC unroll 12
            for (int c = 0; c < kChains; ++c) v[c] = hn::MulAdd(v[c], a, b);
        }
#pragma GCC unroll 12
        for (int c = 0; c < kChains; ++c) hn::StoreU(v[c], d, op.x + i + c * step);
    }
    for (; i < end; ++i)
        for (std::int64_t round = 0; round < op.rounds; ++round) op.x[i] = op.x[i] * op.a + op.b;
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(stream_copy);
HWY_EXPORT(multiply_add);

void run_stream_copy(Backend& backend, const StreamCopy& op) {
    const std::int64_t lines = (op.size + kRowAlignment - 1) / kRowAlignment;
    as_cpu(backend).pool().split(lines, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(stream_copy)
        (op, begin * kRowAlignment, std::min(op.size, end * kRowAlignment));
        hwy::FlushStream();
    });
}

void run_multiply_add(Backend& backend, const RepeatedMultiplyAdd& op) {
    as_cpu(backend).pool().split(op.size, [&](int, std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(multiply_add)(op, begin, end);
    });
}

}  // namespace

void add_ceiling(OpTable& table) {
    table.add<StreamCopy>(Level::tiled, run_stream_copy, "stores past the caches, split over the threads");
    table.add<RepeatedMultiplyAdd>(Level::tiled, run_multiply_add,
                                   "twelve chains in vector registers, split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

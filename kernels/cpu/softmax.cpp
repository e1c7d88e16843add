// Softmax along any axis and its gradient: rows that lie together are reduced within vectors, others as
// neighbouring columns side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cpp"
#include "kernels/ops/softmax.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// What is subtracted before e is raised: the largest, or 0 where there is nothing but −∞.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V subtrahend(D d, V largest) {
    return hn::IfThenZeroElse(hn::Eq(largest, hn::Set(d, kLowest)), largest);
}

void softmax_row(const float* x, std::int64_t size, float* y) {
    const Floats d;
    const hn::CappedTag<float, 1> one;
    Vector large = hn::Set(d, kLowest);
    float largest = kLowest;
    std::int64_t i = 0;
    for (; i + lanes() <= size; i += lanes()) large = hn::Max(large, hn::LoadU(d, x + i));
    for (; i < size; ++i) largest = HWY_MAX(largest, x[i]);
    largest = HWY_MAX(largest, hn::GetLane(hn::MaxOfLanes(d, large)));
    if (largest == kLowest) largest = 0;
    Vector sums = hn::Zero(d);
    float sum = 0;
    for (i = 0; i + lanes() <= size; i += lanes()) {
        const Vector power = exp_of_non_positive(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, largest)));
        sums = hn::Add(sums, power);
        hn::StoreU(power, d, y + i);
    }
    for (; i < size; ++i) {
        y[i] = hn::GetLane(exp_of_non_positive(one, hn::Set(one, x[i] - largest)));
        sum += y[i];
    }
    sum += hn::GetLane(hn::SumOfLanes(d, sums));
    const float scale = sum == 0 ? 0 : 1 / sum;
    for_lanes(size, [&](auto tag, std::int64_t at) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(tag, y + at), hn::Set(tag, scale)), tag, y + at);
    });
}

/// Columns [begin, end) of one outer index.
void softmax_columns(const float* x, std::int64_t axis, std::int64_t inner, std::int64_t begin,
                     std::int64_t end, float* y) {
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        const std::int64_t first = begin + i;
        auto largest = hn::Set(d, kLowest), sum = hn::Zero(d);
        for (std::int64_t a = 0; a < axis; ++a)
            largest = hn::Max(largest, hn::LoadU(d, x + a * inner + first));
        largest = subtrahend(d, largest);
        for (std::int64_t a = 0; a < axis; ++a) {
            const auto power = exp_of_non_positive(d, hn::Sub(hn::LoadU(d, x + a * inner + first), largest));
            sum = hn::Add(sum, power);
            hn::StoreU(power, d, y + a * inner + first);
        }
        const auto scale = hn::IfThenZeroElse(hn::Eq(sum, hn::Zero(d)), hn::Div(hn::Set(d, 1.0F), sum));
        for (std::int64_t a = 0; a < axis; ++a)
            hn::StoreU(hn::Mul(hn::LoadU(d, y + a * inner + first), scale), d, y + a * inner + first);
    });
}

void softmax_backward_row(const float* y, const float* dy, std::int64_t size, float* dx) {
    const float alignment = dot(y, dy, size);
    for_lanes(size, [&](auto d, std::int64_t i) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, y + i), hn::Sub(hn::LoadU(d, dy + i), hn::Set(d, alignment))), d,
                   dx + i);
    });
}

void softmax_backward_columns(const float* y, const float* dy, std::int64_t axis, std::int64_t inner,
                              std::int64_t begin, std::int64_t end, float* dx) {
    for_lanes(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
        auto sum = hn::Zero(d);
        for (std::int64_t a = 0; a < axis; ++a) {
            const std::int64_t at = a * inner + begin + i;
            sum = hn::MulAdd(hn::LoadU(d, y + at), hn::LoadU(d, dy + at), sum);
        }
        for (std::int64_t a = 0; a < axis; ++a) {
            const std::int64_t at = a * inner + begin + i;
            hn::StoreU(hn::Mul(hn::LoadU(d, y + at), hn::Sub(hn::LoadU(d, dy + at), sum)), d, dx + at);
        }
    });
}

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(softmax_row);
HWY_EXPORT(softmax_columns);
HWY_EXPORT(softmax_backward_row);
HWY_EXPORT(softmax_backward_columns);

/// In float64, as the definition is written.
void run_reference(Backend& /*backend*/, const Softmax& op) {
    for (std::int64_t row = 0; row < op.outer * op.inner; ++row) {
        const std::int64_t first = row / op.inner * op.axis * op.inner + row % op.inner;
        const float* x = op.x + first;
        float* y = op.y + first;
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::int64_t a = 0; a < op.axis; ++a)
            largest = std::max(largest, static_cast<double>(x[a * op.inner]));
        if (std::isinf(largest) && largest < 0) largest = 0;
        for (std::int64_t a = 0; a < op.axis; ++a)
            sum += std::exp(static_cast<double>(x[a * op.inner]) - largest);
        for (std::int64_t a = 0; a < op.axis; ++a) {
            const double power = std::exp(static_cast<double>(x[a * op.inner]) - largest);
            y[a * op.inner] = static_cast<float>(sum == 0 ? 0 : power / sum);
        }
    }
}

void run_backward_reference(Backend& /*backend*/, const SoftmaxBackward& op) {
    for (std::int64_t row = 0; row < op.outer * op.inner; ++row) {
        const std::int64_t first = row / op.inner * op.axis * op.inner + row % op.inner;
        double sum = 0;
        for (std::int64_t a = 0; a < op.axis; ++a) {
            const std::int64_t at = first + a * op.inner;
            sum += static_cast<double>(op.y[at]) * static_cast<double>(op.dy[at]);
        }
        for (std::int64_t a = 0; a < op.axis; ++a) {
            const std::int64_t at = first + a * op.inner;
            op.dx[at] =
                static_cast<float>(static_cast<double>(op.y[at]) * (static_cast<double>(op.dy[at]) - sum));
        }
    }
}

/// Calls body(o, begin, end) for every outer index and its columns in parts, in any thread.
template <class Body>
void over_columns(Backend& backend, std::int64_t outer, std::int64_t inner, const Body& body) {
    constexpr std::int64_t kColumns = 256;  // so many rows of a cache line each pass through together
    const std::int64_t parts = (inner + kColumns - 1) / kColumns;
    as_cpu(backend).pool().split(outer * parts, [&](int, std::int64_t first, std::int64_t last) {
        for (std::int64_t at = first; at < last; ++at)
            body(at / parts, at % parts * kColumns, std::min(inner, (at % parts + 1) * kColumns));
    });
}

void run_vectorised(Backend& backend, const Softmax& op) {
    const std::int64_t size = op.axis * op.inner;
    if (op.inner == 1)
        as_cpu(backend).pool().split(op.outer, [&](int, std::int64_t begin, std::int64_t end) {
            for (std::int64_t o = begin; o < end; ++o)
                HWY_DYNAMIC_DISPATCH(softmax_row)(op.x + o * size, size, op.y + o * size);
        });
    else
        over_columns(backend, op.outer, op.inner, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(softmax_columns)
            (op.x + o * size, op.axis, op.inner, begin, end, op.y + o * size);
        });
}

void run_backward_vectorised(Backend& backend, const SoftmaxBackward& op) {
    const std::int64_t size = op.axis * op.inner;
    if (op.inner == 1)
        as_cpu(backend).pool().split(op.outer, [&](int, std::int64_t begin, std::int64_t end) {
            for (std::int64_t o = begin; o < end; ++o) HWY_DYNAMIC_DISPATCH(softmax_backward_row)
            (op.y + o * size, op.dy + o * size, size, op.dx + o * size);
        });
    else
        over_columns(backend, op.outer, op.inner, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
            HWY_DYNAMIC_DISPATCH(softmax_backward_columns)
            (op.y + o * size, op.dy + o * size, op.axis, op.inner, begin, end, op.dx + o * size);
        });
}

}  // namespace

void add_softmax(OpTable& table) {
    constexpr auto kReference = "row by row in double precision",
                   kVectorised =
                       "exponentials in vector registers, each taken once; rows split over the threads";
    table.add<Softmax>(Level::reference, run_reference, kReference);
    table.add<SoftmaxBackward>(Level::reference, run_backward_reference, kReference);
    table.add<Softmax>(Level::tiled, run_vectorised, kVectorised);
    table.add<SoftmaxBackward>(Level::tiled, run_backward_vectorised, "vector registers, threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

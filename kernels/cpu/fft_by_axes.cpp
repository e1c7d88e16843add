#include "kernels/cpu/fft_by_axes.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <numbers>

#include "kernels/cpu/backend.hpp"

namespace spectral::cpu {

namespace {

constexpr std::int64_t kLarge = std::int64_t{1} << 16;
/// Longer axes would take megabytes of lines for every thread.
constexpr std::int64_t kLongest = std::int64_t{1} << 14;
/// Columns side by side: those of a cache line.
constexpr std::int64_t kColumns = 8;

struct FftwFree {
    void operator()(Complex* pointer) const { fftwf_free(pointer); }
};

/// Arrays that start where plans for aligned arrays want them, one set for every thread.
class LineBuffers {
public:
    LineBuffers(int threads, std::int64_t lines, std::int64_t length)
        // A line more than the length apart, so that lines of 2^k samples do not meet in the cache.
        : stride_((length / kColumns + 2) * kColumns),
          lines_(lines),
          values_(reinterpret_cast<Complex*>(
              fftwf_alloc_complex(static_cast<std::size_t>(threads * lines * stride_)))) {
        if (!values_) throw std::bad_alloc();
    }
    Complex* line(int thread, std::int64_t i) const {
        return values_.get() + (thread * lines_ + i) * stride_;
    }

private:
    std::int64_t stride_, lines_;
    std::unique_ptr<Complex, FftwFree> values_;
};

SignalShape line_of(std::int64_t length) { return {1, {length}}; }

/// Along one axis of a complex array [outer][length][inner], in place.
void transform_axis(CpuBackend& backend, FftwTransform direction, std::int64_t outer, std::int64_t length,
                    std::int64_t inner, Complex* values) {
    if (length == 1) return;
    const auto plan = backend.plans().get({direction, line_of(length), true});
    const LineBuffers buffers(backend.pool().size(), 2 * kColumns, length);
    const std::int64_t groups = (inner + kColumns - 1) / kColumns;
    backend.pool().split(outer * groups, [&](int part, std::int64_t begin, std::int64_t end) {
        for (std::int64_t g = begin; g < end; ++g) {
            const std::int64_t first = g % groups * kColumns, count = std::min(kColumns, inner - first);
            Complex* at = values + g / groups * length * inner + first;
            for (std::int64_t n = 0; n < length; ++n)
                for (std::int64_t c = 0; c < count; ++c) buffers.line(part, c)[n] = at[n * inner + c];
            for (std::int64_t c = 0; c < count; ++c)
                plan->transform(buffers.line(part, c), buffers.line(part, kColumns + c));
            for (std::int64_t n = 0; n < length; ++n)
                for (std::int64_t c = 0; c < count; ++c)
                    at[n * inner + c] = buffers.line(part, kColumns + c)[n];
        }
    });
}

/// All axes but the last, of an array whose last has `bins` values.
void transform_other_axes(CpuBackend& backend, FftwTransform direction, const SignalShape& shape,
                          std::int64_t bins, Complex* values) {
    std::int64_t inner = bins, outer = shape.size() / shape.extent[static_cast<std::size_t>(shape.rank - 1)];
    for (int axis = shape.rank - 2; axis >= 0; --axis) {
        const std::int64_t length = shape.extent[static_cast<std::size_t>(axis)];
        outer /= length;
        transform_axis(backend, direction, outer, length, inner, values);
        inner *= length;
    }
}

/// One line of a cosine transform in place, orthonormal; FFTW's are not.
void cosine_line(const FftwPlan& plan, bool inverse, std::int64_t length, float* line) {
    const auto each = static_cast<float>(std::sqrt(0.5 / static_cast<double>(length)));
    const auto scale = [&](double zero) {
        line[0] *= static_cast<float>(zero);
        for (std::int64_t n = 0; n < length; ++n) line[n] *= each;
    };
    if (inverse) scale(std::numbers::sqrt2);
    plan.cosine(line);
    if (!inverse) scale(1 / std::numbers::sqrt2);
}

/// Along one axis of a real array [outer][length][inner], in place.
void cosine_axis(CpuBackend& backend, FftwTransform direction, std::int64_t outer, std::int64_t length,
                 std::int64_t inner, float* values) {
    const bool inverse = direction == FftwTransform::cosine_backward;
    const auto plan = backend.plans().get({direction, line_of(length), true});
    constexpr std::int64_t kReals = 2 * kColumns;  // those of a cache line
    const LineBuffers buffers(backend.pool().size(), kReals, length / 2 + 1);
    const std::int64_t groups = (inner + kReals - 1) / kReals;
    const auto line = [&](int part, std::int64_t i) {
        return reinterpret_cast<float*>(buffers.line(part, i));
    };
    backend.pool().split(outer * groups, [&](int part, std::int64_t begin, std::int64_t end) {
        for (std::int64_t g = begin; g < end; ++g) {
            const std::int64_t first = g % groups * kReals, count = std::min(kReals, inner - first);
            float* at = values + g / groups * length * inner + first;
            for (std::int64_t n = 0; n < length; ++n)
                for (std::int64_t c = 0; c < count; ++c) line(part, c)[n] = at[n * inner + c];
            for (std::int64_t c = 0; c < count; ++c) cosine_line(*plan, inverse, length, line(part, c));
            for (std::int64_t n = 0; n < length; ++n)
                for (std::int64_t c = 0; c < count; ++c) at[n * inner + c] = line(part, c)[n];
        }
    });
}

}  // namespace

bool goes_by_axes(std::int64_t batch, const SignalShape& shape) {
    return batch == 1 && shape.rank > 1 && shape.size() >= kLarge &&
           std::all_of(shape.extent.begin(), shape.extent.begin() + shape.rank,
                       [](std::int64_t n) { return n <= kLongest; });
}

void forward_by_axes(Backend& any, const SignalShape& shape, const float* x, Complex* y) {
    CpuBackend& backend = as_cpu(any);
    const std::int64_t last = shape.extent[static_cast<std::size_t>(shape.rank - 1)], bins = last / 2 + 1;
    const auto plan = backend.plans().get({FftwTransform::real_forward, line_of(last), true});
    const LineBuffers buffers(backend.pool().size(), 2, last);
    backend.pool().split(shape.size() / last, [&](int part, std::int64_t begin, std::int64_t end) {
        auto* row = reinterpret_cast<float*>(buffers.line(part, 0));
        Complex* spectrum = buffers.line(part, 1);
        for (std::int64_t r = begin; r < end; ++r) {
            std::copy_n(x + r * last, last, row);
            plan->forward(row, spectrum);
            std::copy_n(spectrum, bins, y + r * bins);
        }
    });
    transform_other_axes(backend, FftwTransform::complex_forward, shape, bins, y);
}

void backward_by_axes(Backend& any, const SignalShape& shape, Complex* spectrum, float* y) {
    CpuBackend& backend = as_cpu(any);
    const std::int64_t last = shape.extent[static_cast<std::size_t>(shape.rank - 1)], bins = last / 2 + 1;
    transform_other_axes(backend, FftwTransform::complex_backward, shape, bins, spectrum);
    const auto plan = backend.plans().get({FftwTransform::real_backward, line_of(last), true});
    const LineBuffers buffers(backend.pool().size(), 2, last);
    backend.pool().split(shape.size() / last, [&](int part, std::int64_t begin, std::int64_t end) {
        auto* row = reinterpret_cast<float*>(buffers.line(part, 0));
        Complex* line = buffers.line(part, 1);
        for (std::int64_t r = begin; r < end; ++r) {
            std::copy_n(spectrum + r * bins, bins, line);
            plan->backward(line, row);
            std::copy_n(row, last, y + r * last);
        }
    });
}

void cosine_by_axes(Backend& any, const SignalShape& shape, bool inverse, const float* x, float* y) {
    CpuBackend& backend = as_cpu(any);
    const FftwTransform direction = inverse ? FftwTransform::cosine_backward : FftwTransform::cosine_forward;
    backend.pool().split(shape.size(), [&](int, std::int64_t begin, std::int64_t end) {
        std::copy(x + begin, x + end, y + begin);
    });
    std::int64_t inner = 1, outer = shape.size();
    for (int axis = shape.rank - 1; axis >= 0; --axis) {
        const std::int64_t length = shape.extent[static_cast<std::size_t>(axis)];
        outer /= length;
        if (length > 1) cosine_axis(backend, direction, outer, length, inner, y);
        inner *= length;
    }
}

}  // namespace spectral::cpu

// Pooling: planes split over the threads, a row of windows at a time.
#include "kernels/ops/pooling.hpp"

#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/three_axes.hpp"

namespace spectral::cpu {

namespace {

/// A shape on three axes.
struct Windows {
    ThreeExtents input, window, stride, output;

    explicit Windows(const PoolShape& s)
        : input(three(s.rank, s.input, 1)),
          window(three(s.rank, s.window, 1)),
          stride(three(s.rank, s.stride, 1)),
          output(three(s.rank, s.output(), 1)) {}

    /// row(to, from, begins) for every row of windows of a plane and every row of samples that it reads: the
    /// first value of the one, the first sample of the other, and whether it is the first such row.
    template <class Row>
    void each_row(const Row& row) const {
        for (std::int64_t z = 0; z < output[0]; ++z)
            for (std::int64_t y = 0; y < output[1]; ++y) {
                const std::int64_t out = (z * output[1] + y) * output[2];
                for (std::int64_t p = 0; p < window[0]; ++p)
                    for (std::int64_t q = 0; q < window[1]; ++q)
                        row(out, ((z * stride[0] + p) * input[1] + y * stride[1] + q) * input[2],
                            p == 0 && q == 0);
            }
    }
};

/// body(plane) for every plane, in any thread.
template <class Body>
void over_planes(Backend& backend, std::int64_t planes, const Body& body) {
    as_cpu(backend).pool().split(planes, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t plane = begin; plane < end; ++plane) body(plane);
    });
}

void run_max(Backend& backend, const MaxPool& op) {
    const Windows w(op.shape);
    const std::int64_t in = op.shape.input_size(), out = op.shape.output_size();
    over_planes(backend, op.shape.planes, [&](std::int64_t plane) {
        const float* x = op.x + plane * in;
        float* y = op.y + plane * out;
        std::uint32_t* place = op.place ? op.place + plane * out : nullptr;
        w.each_row([&](std::int64_t to, std::int64_t from, bool begins) {
            for (std::int64_t p = 0; p < w.window[2]; ++p) {
                const bool first = begins && p == 0;
                for (std::int64_t i = 0; i < w.output[2]; ++i) {
                    const std::int64_t at = from + p + i * w.stride[2];
                    const bool larger = first || x[at] > y[to + i];
                    y[to + i] = larger ? x[at] : y[to + i];
                    if (place) place[to + i] = larger ? static_cast<std::uint32_t>(at) : place[to + i];
                }
            }
        });
    });
}

void run_max_backward(Backend& backend, const MaxPoolBackward& op) {
    const std::int64_t in = op.shape.input_size(), out = op.shape.output_size();
    over_planes(backend, op.shape.planes, [&](std::int64_t plane) {
        float* dx = op.dx + plane * in;
        std::fill_n(dx, in, 0.0F);
        for (std::int64_t i = plane * out; i < (plane + 1) * out; ++i) dx[op.place[i]] += op.dy[i];
    });
}

void run_average(Backend& backend, const AveragePool& op) {
    const Windows w(op.shape);
    const std::int64_t in = op.shape.input_size(), out = op.shape.output_size();
    const float share = 1 / static_cast<float>(op.shape.window_size());
    over_planes(backend, op.shape.planes, [&](std::int64_t plane) {
        const float* x = op.x + plane * in;
        float* y = op.y + plane * out;
        std::fill_n(y, out, 0.0F);
        w.each_row([&](std::int64_t to, std::int64_t from, bool) {
            for (std::int64_t p = 0; p < w.window[2]; ++p)
                for (std::int64_t i = 0; i < w.output[2]; ++i) y[to + i] += x[from + p + i * w.stride[2]];
        });
        for (std::int64_t i = 0; i < out; ++i) y[i] *= share;
    });
}

void run_average_backward(Backend& backend, const AveragePoolBackward& op) {
    const Windows w(op.shape);
    const std::int64_t in = op.shape.input_size(), out = op.shape.output_size();
    const float share = 1 / static_cast<float>(op.shape.window_size());
    over_planes(backend, op.shape.planes, [&](std::int64_t plane) {
        float* dx = op.dx + plane * in;
        const float* dy = op.dy + plane * out;
        std::fill_n(dx, in, 0.0F);
        w.each_row([&](std::int64_t to, std::int64_t from, bool) {
            for (std::int64_t i = 0; i < w.output[2]; ++i)
                for (std::int64_t p = 0; p < w.window[2]; ++p)
                    dx[from + p + i * w.stride[2]] += share * dy[to + i];
        });
    });
}

}  // namespace

void add_pooling(OpTable& table) {
    constexpr auto kChange = "planes split over the threads, rows of windows at a time";
    table.add<MaxPool>(Level::tiled, run_max, kChange);
    table.add<MaxPoolBackward>(Level::tiled, run_max_backward, kChange);
    table.add<AveragePool>(Level::tiled, run_average, kChange);
    table.add<AveragePoolBackward>(Level::tiled, run_average_backward, kChange);
}

}  // namespace spectral::cpu

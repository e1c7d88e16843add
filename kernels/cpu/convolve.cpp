// Direct convolution and its gradient by the kernel: through oneDNN, and as their sums stand.
#include <algorithm>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/three_axes.hpp"
#include "kernels/ops/convolution.hpp"

namespace spectral::cpu {

namespace {

/// A shape on three axes.
struct Sums {
    const ConvolutionShape& shape;
    ThreeExtents input, kernel, output, before;

    explicit Sums(const ConvolutionShape& s)
        : shape(s),
          input(three(s.rank, s.input, 1)),
          kernel(three(s.rank, s.kernel, 1)),
          output(three(s.rank, s.output, 1)),
          before(three(s.rank, s.before, 0)) {}

    /// Which sample of an image value i of the output reads at place p of the kernel; −1 for a zero outside.
    std::int64_t sample(std::int64_t i, std::int64_t p) const {
        const std::int64_t z = i / (output[1] * output[2]) + p / (kernel[1] * kernel[2]) - before[0],
                           y = i / output[2] % output[1] + p / kernel[2] % kernel[1] - before[1],
                           x = i % output[2] + p % kernel[2] - before[2];
        const bool inside = z >= 0 && z < input[0] && y >= 0 && y < input[1] && x >= 0 && x < input[2];
        return inside ? (z * input[1] + y) * input[2] + x : -1;
    }
    /// Where place p of a kernel is stored.
    std::int64_t weight(std::int64_t o, std::int64_t c, std::int64_t p) const {
        return shape.kernel_place(o, c) + (shape.flipped ? shape.kernel_size() - 1 - p : p);
    }
};

void run_reference(Backend& /*backend*/, const Convolve& op) {
    const ConvolutionShape& s = op.shape;
    const Sums sums(s);
    for (std::int64_t n = 0; n < s.images; ++n)
        for (std::int64_t o = 0; o < s.out_channels; ++o)
            for (std::int64_t i = 0; i < s.output_size(); ++i) {
                double sum = op.bias ? static_cast<double>(op.bias[o]) : 0;
                for (std::int64_t c = 0; c < s.in_channels; ++c) {
                    const float* image = op.x + (n * s.in_channels + c) * s.input_size();
                    for (std::int64_t p = 0; p < s.kernel_size(); ++p)
                        if (const std::int64_t from = sums.sample(i, p); from >= 0)
                            sum += static_cast<double>(op.w[sums.weight(o, c, p)]) *
                                   static_cast<double>(image[from]);
                }
                op.y[(n * s.out_channels + o) * s.output_size() + i] = static_cast<float>(sum);
            }
}

void run_gradient_reference(Backend& /*backend*/, const ConvolveWeightGradient& op) {
    const ConvolutionShape& s = op.shape;
    const Sums sums(s);
    const auto gradient = [&](std::int64_t n, std::int64_t o, std::int64_t i) {
        return static_cast<double>(op.dy[(n * s.out_channels + o) * s.output_size() + i]);
    };
    for (std::int64_t o = 0; o < s.out_channels; ++o) {
        for (std::int64_t c = 0; c < s.in_channels; ++c)
            for (std::int64_t p = 0; p < s.kernel_size(); ++p) {
                double sum = 0;
                for (std::int64_t n = 0; n < s.images; ++n) {
                    const float* image = op.x + (n * s.in_channels + c) * s.input_size();
                    for (std::int64_t i = 0; i < s.output_size(); ++i)
                        if (const std::int64_t from = sums.sample(i, p); from >= 0)
                            sum += gradient(n, o, i) * static_cast<double>(image[from]);
                }
                op.dw[sums.weight(o, c, p)] = static_cast<float>(sum);
            }
        if (op.dbias == nullptr) continue;
        double sum = 0;
        for (std::int64_t n = 0; n < s.images; ++n)
            for (std::int64_t i = 0; i < s.output_size(); ++i) sum += gradient(n, o, i);
        op.dbias[o] = static_cast<float>(sum);
    }
}

void run_planned(Backend& backend, const Convolve& op, ConvolutionTask task) {
    if (!ConvolutionPlans::expressible(op.shape)) {
        run_reference(backend, op);
        return;
    }
    as_cpu(backend).convolution_plans().run(
        task, op.shape, {op.x, const_cast<float*>(op.w), op.y, const_cast<float*>(op.bias)});
}

void run_library(Backend& backend, const Convolve& op) { run_planned(backend, op, ConvolutionTask::forward); }

/// Below, the transforms of Winograd's algorithm cost more than the products that it saves.
constexpr std::int64_t kWinogradChannels = 32;

void run_winograd(Backend& backend, const Convolve& op) {
    const ConvolutionShape& s = op.shape;
    const bool pays = s.rank == 2 && s.kernel[0] == 3 && s.kernel[1] == 3 &&
                      std::min(s.in_channels, s.out_channels) >= kWinogradChannels;
    run_planned(backend, op, pays ? ConvolutionTask::winograd : ConvolutionTask::forward);
}

void run_gradient(Backend& backend, const ConvolveWeightGradient& op) {
    if (!ConvolutionPlans::expressible(op.shape)) {
        run_gradient_reference(backend, op);
        return;
    }
    as_cpu(backend).convolution_plans().run(ConvolutionTask::weight_gradient, op.shape,
                                            {op.x, op.dw, const_cast<float*>(op.dy), op.dbias});
}

}  // namespace

void add_convolve(OpTable& table) {
    constexpr auto kReference = "sums as they stand, in double precision";
    table.add<Convolve>(Level::reference, run_reference, kReference);
    table.add<Convolve>(Level::tiled, run_library, "oneDNN's blocked, threaded convolution");
    table.add<Convolve>(Level::custom, run_winograd,
                        "Winograd's algorithm for 3 × 3 kernels between 32 channels and more; others as at "
                        "level 4");
    table.add<ConvolveWeightGradient>(Level::reference, run_gradient_reference, kReference);
    table.add<ConvolveWeightGradient>(Level::tiled, run_gradient, "oneDNN's blocked, threaded sums");
}

}  // namespace spectral::cpu

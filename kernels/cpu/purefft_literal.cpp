// PureFFT as its formula is written: every layer makes the batch × patterns × frequencies products and sums
// them.
#include "kernels/purefft_literal.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/ops/purefft.hpp"
#include "kernels/purefft_step.hpp"

namespace spectral::cpu {

namespace {

struct Literal : PureFftLiteral {
    using PureFftLiteral::PureFftLiteral;

    float* layer_x(std::int64_t l) const { return x + l * sizes.batch * sizes.frequencies; }

    void forward(const PureFftInput& input, const PureFftParameters& parameters) const {
        const auto [batch, patterns, layers, classes, n] = sizes;
        for (std::int64_t b = 0; b < batch; ++b) std::copy_n(input.row(b), n, x + b * n);
        for (std::int64_t l = 0; l < layers; ++l) {
            float* w = weights + l * patterns;
            float largest = -INFINITY;
            for (std::int64_t p = 0; p < patterns; ++p) {
                w[p] = 0;
                for (std::int64_t f = 0; f < n; ++f)
                    w[p] += parameters.pool[p * n + f] * parameters.layer[l * n + f];
                largest = std::max(largest, w[p]);
            }
            float sum = 0;
            for (std::int64_t p = 0; p < patterns; ++p) sum += w[p] = std::exp(w[p] - largest);
            for (std::int64_t p = 0; p < patterns; ++p) w[p] /= sum;
            for (std::int64_t b = 0; b < batch; ++b)
                for (std::int64_t p = 0; p < patterns; ++p)
                    for (std::int64_t f = 0; f < n; ++f)
                        products[(b * patterns + p) * n + f] =
                            layer_x(l)[b * n + f] * w[p] * parameters.pool[p * n + f];
            float* y = layer_x(l + 1);
            std::fill_n(y, batch * n, 0.0F);
            for (std::int64_t b = 0; b < batch; ++b)
                for (std::int64_t p = 0; p < patterns; ++p)
                    for (std::int64_t f = 0; f < n; ++f) y[b * n + f] += products[(b * patterns + p) * n + f];
        }
    }
};

void run_forward(Backend& /*backend*/, const PureFftForward& op) {
    const Literal literal(op.sizes, op.scratch);
    literal.forward(op.input, op.parameters);
    const auto [batch, patterns, layers, classes, n] = op.sizes;
    const float* y = literal.layer_x(layers);
    for (std::int64_t b = 0; b < batch; ++b) {
        for (std::int64_t k = 0; k < classes; ++k) {
            double sum = 0;  // float32 would lose digits over long rows to this order of summation
            for (std::int64_t f = 0; f < n; ++f)
                sum += static_cast<double>(y[b * n + f] * op.parameters.class_[k * n + f]);
            op.logits[b * classes + k] = static_cast<float>(sum);
        }
    }
}

void run_backward(Backend& /*backend*/, const PureFftBackward& op) {
    Literal literal(op.sizes, op.scratch);
    literal.forward(op.input, op.parameters);
    const auto [batch, patterns, layers, classes, n] = op.sizes;
    const float* y = literal.layer_x(layers);
    std::fill_n(op.gradients.class_, classes * n, 0.0F);
    std::fill_n(op.gradients.pool, patterns * n, 0.0F);
    std::fill_n(op.gradients.layer, layers * n, 0.0F);
    std::fill_n(literal.dx, batch * n, 0.0F);
    for (std::int64_t b = 0; b < batch; ++b) {
        for (std::int64_t k = 0; k < classes; ++k) {
            const float delta = op.d_logits[b * classes + k];
            for (std::int64_t f = 0; f < n; ++f) {
                op.gradients.class_[k * n + f] += delta * y[b * n + f];
                literal.dx[b * n + f] += delta * op.parameters.class_[k * n + f];
            }
        }
    }
    for (std::int64_t l = layers - 1; l >= 0; --l) {
        const float* x = literal.layer_x(l);
        const float* w = literal.weights + l * patterns;
        // The sum over the pool copies its gradient to every product.
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t p = 0; p < patterns; ++p)
                std::copy_n(literal.dx + b * n, n, literal.products + (b * patterns + p) * n);
        std::fill_n(literal.next_dx, batch * n, 0.0F);
        for (std::int64_t p = 0; p < patterns; ++p) {
            const float* pattern = op.parameters.pool + p * n;
            double d_weight =
                0;  // a sum over batch × frequencies: float would lose digits that the others keep
            for (std::int64_t b = 0; b < batch; ++b) {
                const float* d_product = literal.products + (b * patterns + p) * n;
                for (std::int64_t f = 0; f < n; ++f) {
                    literal.next_dx[b * n + f] += d_product[f] * w[p] * pattern[f];
                    d_weight += static_cast<double>(d_product[f] * x[b * n + f] * pattern[f]);
                    op.gradients.pool[p * n + f] += d_product[f] * x[b * n + f] * w[p];
                }
            }
            literal.d_weights[p] = static_cast<float>(d_weight);
        }
        std::swap(literal.dx, literal.next_dx);
        float mean = 0;
        for (std::int64_t p = 0; p < patterns; ++p) mean += w[p] * literal.d_weights[p];
        for (std::int64_t p = 0; p < patterns; ++p) {
            const float d_score = w[p] * (literal.d_weights[p] - mean);
            for (std::int64_t f = 0; f < n; ++f) {
                op.gradients.pool[p * n + f] += d_score * op.parameters.layer[l * n + f];
                op.gradients.layer[l * n + f] += d_score * op.parameters.pool[p * n + f];
            }
        }
    }
}

}  // namespace

void add_purefft_literal(OpTable& table) {
    constexpr auto kChange = "as written: batch × patterns × frequencies products in every layer";
    table.add<PureFftForward>(Level::reference, run_forward, kChange);
    table.add<PureFftBackward>(Level::reference, run_backward, kChange);
    table.add<PureFftStep>(Level::reference, run_purefft_step<Level::reference>, kChange);
}

}  // namespace spectral::cpu

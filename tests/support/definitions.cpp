#include "tests/support/definitions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace spectral::definition {

namespace {

using Index = std::array<std::int64_t, kMaxSignalRank>;

/// Multi-index of a flat index in a row-major shape.
struct Axes {
    std::size_t rank;
    Index extent;

    explicit Axes(const SignalShape& shape, bool spectrum)
        : rank(static_cast<std::size_t>(shape.rank)), extent(shape.extent) {
        if (spectrum) extent[rank - 1] = extent[rank - 1] / 2 + 1;
    }
    Index at(std::int64_t flat) const {
        Index index{};
        for (std::size_t axis = rank; axis-- > 0; flat /= extent[axis]) index[axis] = flat % extent[axis];
        return index;
    }
};

double phase(const Axes& shape, const Index& k, const Index& n) {
    double turns = 0;
    for (std::size_t axis = 0; axis < shape.rank; ++axis)
        turns += static_cast<double>(k[axis] * n[axis] % shape.extent[axis]) /
                 static_cast<double>(shape.extent[axis]);
    return 2 * std::numbers::pi * turns;
}

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

}  // namespace

ComplexDoubles rfft(const Doubles& x, const SignalShape& shape) {
    const Axes space(shape, false), spectrum(shape, true);
    ComplexDoubles y(at(shape.spectrum_size()));
    for (std::int64_t k = 0; k < shape.spectrum_size(); ++k)
        for (std::int64_t n = 0; n < shape.size(); ++n)
            y[at(k)] += x[at(n)] * std::polar(1.0, -phase(space, spectrum.at(k), space.at(n)));
    return y;
}

Doubles rfft_backward(const ComplexDoubles& dy, const SignalShape& shape) {
    const Axes space(shape, false), spectrum(shape, true);
    Doubles dx(at(shape.size()));
    for (std::int64_t n = 0; n < shape.size(); ++n)
        for (std::int64_t k = 0; k < shape.spectrum_size(); ++k)
            dx[at(n)] += (dy[at(k)] * std::polar(1.0, phase(space, spectrum.at(k), space.at(n)))).real();
    return dx;
}

namespace {

/// s_k cos(π(2n+1)k/2N), multiplied over the axes.
double cosine_entry(const SignalShape& shape, std::int64_t k, std::int64_t n) {
    double product = 1;
    for (int axis = shape.rank - 1; axis >= 0; --axis) {
        const std::int64_t extent = shape.extent[at(axis)], bin = k % extent, sample = n % extent;
        const auto size = static_cast<double>(extent);
        product *= std::sqrt((bin == 0 ? 1 : 2) / size) *
                   std::cos(std::numbers::pi * static_cast<double>((2 * sample + 1) * bin) / (2 * size));
        k /= extent;
        n /= extent;
    }
    return product;
}

}  // namespace

Doubles dct(const Doubles& x, const SignalShape& shape) {
    Doubles y(x.size());
    for (std::int64_t k = 0; k < shape.size(); ++k)
        for (std::int64_t n = 0; n < shape.size(); ++n) y[at(k)] += cosine_entry(shape, k, n) * x[at(n)];
    return y;
}

Doubles dct_inverse(const Doubles& y, const SignalShape& shape) {
    Doubles x(y.size());
    for (std::int64_t n = 0; n < shape.size(); ++n)
        for (std::int64_t k = 0; k < shape.size(); ++k) x[at(n)] += cosine_entry(shape, k, n) * y[at(k)];
    return x;
}

Doubles PureFft::weights() const {
    const auto [batch, patterns, layers, classes, n] = sizes;
    Doubles result(at(layers * patterns));
    for (std::int64_t l = 0; l < layers; ++l) {
        double sum = 0;
        for (std::int64_t p = 0; p < patterns; ++p) {
            double score = 0;
            for (std::int64_t f = 0; f < n; ++f) score += pool[at(p * n + f)] * layer[at(l * n + f)];
            sum += result[at(l * patterns + p)] = std::exp(score);
        }
        for (std::int64_t p = 0; p < patterns; ++p) result[at(l * patterns + p)] /= sum;
    }
    return result;
}

Doubles PureFft::gain() const {
    const auto [batch, patterns, layers, classes, n] = sizes;
    const Doubles w = weights();
    Doubles result(at(n), 1.0);
    for (std::int64_t l = 0; l < layers; ++l) {
        for (std::int64_t f = 0; f < n; ++f) {
            double sum = 0;
            for (std::int64_t p = 0; p < patterns; ++p) sum += w[at(l * patterns + p)] * pool[at(p * n + f)];
            result[at(f)] *= sum;
        }
    }
    return result;
}

Doubles PureFft::logits() const {
    const auto [batch, patterns, layers, classes, n] = sizes;
    const Doubles w = weights();
    Doubles y = x, result(at(batch * classes));
    for (std::int64_t l = 0; l < layers; ++l) {
        for (std::int64_t b = 0; b < batch; ++b) {
            for (std::int64_t f = 0; f < n; ++f) {
                double sum = 0;
                for (std::int64_t p = 0; p < patterns; ++p)
                    sum += y[at(b * n + f)] * w[at(l * patterns + p)] * pool[at(p * n + f)];
                y[at(b * n + f)] = sum;
            }
        }
    }
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t k = 0; k < classes; ++k)
            for (std::int64_t f = 0; f < n; ++f)
                result[at(b * classes + k)] += y[at(b * n + f)] * class_[at(k * n + f)];
    return result;
}

double nll_sum(const Doubles& logits, std::int64_t classes, const std::vector<std::int32_t>& labels) {
    double total = 0;
    for (std::size_t b = 0; b < labels.size(); ++b) {
        const double* row = logits.data() + static_cast<std::ptrdiff_t>(b) * classes;
        const double largest = *std::max_element(row, row + classes);
        double sum = 0;
        for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(row[k] - largest);
        total += std::log(sum) + largest - row[labels[b]];
    }
    return total;
}

Doubles nll_gradient(const Doubles& logits, std::int64_t classes, const std::vector<std::int32_t>& labels) {
    Doubles result(logits.size());
    for (std::size_t b = 0; b < labels.size(); ++b) {
        const std::size_t first = b * at(classes);
        const double largest =
            *std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(first),
                              logits.begin() + static_cast<std::ptrdiff_t>(first) + classes);
        double sum = 0;
        for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(logits[first + at(k)] - largest);
        for (std::int64_t k = 0; k < classes; ++k)
            result[first + at(k)] =
                (std::exp(logits[first + at(k)] - largest) / sum - (k == labels[b] ? 1 : 0)) /
                static_cast<double>(labels.size());
    }
    return result;
}

Doubles matmul(const Doubles& a, const Doubles& b, Doubles c, std::int64_t m, std::int64_t n, std::int64_t k,
               bool transpose_a, bool transpose_b, double beta) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (std::int64_t l = 0; l < k; ++l)
                sum +=
                    a[at(transpose_a ? l * m + i : i * k + l)] * b[at(transpose_b ? j * k + l : l * n + j)];
            c[at(i * n + j)] = sum + (beta == 0 ? 0 : beta * c[at(i * n + j)]);
        }
    }
    return c;
}

namespace {

/// term(x, w, y) for every product of a convolution: where its factors and the value that it adds to lie.
template <class Term>
void for_terms(const ConvolutionShape& s, const Term& term) {
    const auto at = [&](const ConvolutionShape::Extents& extents, std::int64_t index) {
        ConvolutionShape::Extents place{};
        for (auto axis = static_cast<std::size_t>(s.rank); axis-- > 0;) {
            place[axis] = index % extents[axis];
            index /= extents[axis];
        }
        return place;
    };
    /// Of the input, where sample p of the kernel meets value i of the output; −1 outside.
    const auto meets = [&](std::int64_t i, std::int64_t p) {
        const auto value = at(s.output, i), sample = at(s.kernel, p);
        std::int64_t index = 0;
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(s.rank); ++axis) {
            const std::int64_t place = value[axis] + sample[axis] - s.before[axis];
            if (place < 0 || place >= s.input[axis]) return std::int64_t{-1};
            index = index * s.input[axis] + place;
        }
        return index;
    };
    for (std::int64_t i = 0; i < s.output_size(); ++i)
        for (std::int64_t p = 0; p < s.kernel_size(); ++p) {
            const std::int64_t from = meets(i, p);
            if (from < 0) continue;
            for (std::int64_t n = 0; n < s.images; ++n)
                for (std::int64_t o = 0; o < s.out_channels; ++o)
                    for (std::int64_t c = 0; c < s.in_channels; ++c)
                        term(static_cast<std::size_t>((n * s.in_channels + c) * s.input_size() + from),
                             static_cast<std::size_t>(s.kernel_place(o, c) +
                                                      (s.flipped ? s.kernel_size() - 1 - p : p)),
                             static_cast<std::size_t>((n * s.out_channels + o) * s.output_size() + i));
        }
}

}  // namespace

Doubles convolve(const ConvolutionShape& s, const Doubles& x, const Doubles& w) {
    Doubles result(static_cast<std::size_t>(s.images * s.out_channels * s.output_size()));
    for_terms(
        s, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) { result[at_y] += w[at_w] * x[at_x]; });
    return result;
}

Doubles convolve_weight_gradient(const ConvolutionShape& s, const Doubles& x, const Doubles& dy) {
    Doubles result(static_cast<std::size_t>(s.out_channels * s.in_channels * s.kernel_size()));
    for_terms(
        s, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) { result[at_w] += dy[at_y] * x[at_x]; });
    return result;
}

Doubles convolve_input_gradient(const ConvolutionShape& s, const Doubles& w, const Doubles& dy) {
    Doubles result(static_cast<std::size_t>(s.images * s.in_channels * s.input_size()));
    for_terms(
        s, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) { result[at_x] += dy[at_y] * w[at_w]; });
    return result;
}

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

double gelu_derivative(double x) {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2) +
           x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
}

double silu(double x) { return x / (1 + std::exp(-x)); }

double silu_derivative(double x) {
    const double logistic = 1 / (1 + std::exp(-x));
    return logistic + x * logistic * (1 - logistic);
}

}  // namespace spectral::definition

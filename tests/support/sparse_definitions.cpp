#include "tests/support/sparse_definitions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spectral::definition {

Sparse sparse_multiply(const Sparse& a, const Sparse& b) {
    Sparse product;
    for (const auto& [index, value] : a)
        if (const auto other = b.find(index); other != b.end()) product[index] = value * other->second;
    return product;
}

Sparse sparse_add(double alpha, const Sparse& a, double beta, const Sparse& b) {
    Sparse sum;
    for (const auto& [index, value] : a) sum[index] += alpha * value;
    for (const auto& [index, value] : b) sum[index] += beta * value;
    return sum;
}

double magnitude_rank(Complex x) {
    const float energy = std::fma(x.real(), x.real(), x.imag() * x.imag());
    if (std::isnan(energy)) return std::numeric_limits<double>::infinity();
    return std::isinf(energy) ? std::numeric_limits<double>::max() : static_cast<double>(energy);
}

Indices select_above(const std::vector<Complex>& x, float threshold) {
    Indices chosen;
    for (std::size_t i = 0; i < x.size(); ++i)
        if (magnitude_rank(x[i]) >= magnitude_rank(threshold))
            chosen.push_back(static_cast<std::uint32_t>(i));
    return chosen;
}

Indices top_k(const std::vector<Complex>& x, const std::vector<std::uint8_t>& weight, std::int64_t k) {
    Indices order(x.size()), chosen;
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, std::greater(), [&](std::uint32_t i) { return magnitude_rank(x[i]); });
    for (const std::uint32_t i : order) {
        const std::int64_t own = weight.empty() ? 1 : weight[i];
        if (own == 0) continue;
        if (own > k) break;
        k -= own;
        chosen.push_back(i);
    }
    std::ranges::sort(chosen);
    return chosen;
}

double norm(const ComplexDoubles& x, const std::vector<std::uint8_t>& weight) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += (weight.empty() ? 1 : weight[i]) * std::norm(x[i]);
    return std::sqrt(sum);
}

ComplexDoubles normalise(ComplexDoubles x, const std::vector<std::uint8_t>& weight, double epsilon) {
    const double divisor = norm(x, weight) + epsilon;
    for (std::complex<double>& value : x) value /= divisor;
    return x;
}

BatchNorm batch_norm(const ComplexDoubles& x, const Doubles& scale, const ComplexDoubles& shift,
                     double epsilon) {
    const std::size_t size = scale.size(), batch = size == 0 ? 0 : x.size() / size;
    const auto count = static_cast<double>(batch);
    BatchNorm result{ComplexDoubles(x.size()), ComplexDoubles(size), Doubles(size)};
    for (std::size_t i = 0; i < size && batch > 0; ++i) {
        for (std::size_t b = 0; b < batch; ++b) result.mean[i] += x[b * size + i] / count;
        for (std::size_t b = 0; b < batch; ++b)
            result.variance[i] += std::norm(x[b * size + i] - result.mean[i]) / count;
        for (std::size_t b = 0; b < batch; ++b)
            result.y[b * size + i] =
                scale[i] * (x[b * size + i] - result.mean[i]) / std::sqrt(result.variance[i] + epsilon) +
                shift[i];
    }
    return result;
}

}  // namespace spectral::definition

#include "engine/data/resampler.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

namespace spectral {
namespace {

constexpr double kZeroCrossings = 16;

double kernel(double t, double cutoff) {
    const double x = cutoff * t;
    if (std::abs(x) >= kZeroCrossings) return 0;
    const double sinc = x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
    const double window = std::cos(std::numbers::pi * x / (2 * kZeroCrossings));
    return sinc * window * window;
}

}  // namespace

Resampler::Resampler(std::int64_t from, std::int64_t to) : from_(from), to_(to) {
    assert(from > 0 && to > 0);
    const std::int64_t common = std::gcd(from, to);
    cutoff_ = std::min(1.0, static_cast<double>(to) / static_cast<double>(from));
    reach_ = static_cast<std::int64_t>(std::ceil(kZeroCrossings / cutoff_));
    from_ /= common;
    to_ /= common;
    weights_.resize(static_cast<std::size_t>(to_));
}

std::int64_t Resampler::length_of(std::int64_t length) const {
    return length <= 0 ? 0 : ((length - 1) * to_) / from_ + 1;
}

/// Of the inputs from −reach+1 to reach around the one at or before the output's moment, which lies phase/to_
/// behind it.
const std::vector<float>& Resampler::weights(std::int64_t phase) {
    std::vector<float>& found = weights_[static_cast<std::size_t>(phase)];
    if (!found.empty()) return found;
    const double behind = static_cast<double>(phase) / static_cast<double>(to_);
    std::vector<double> exact;
    for (std::int64_t n = 1 - reach_; n <= reach_; ++n)
        exact.push_back(kernel(behind - static_cast<double>(n), cutoff_));
    const double sum = std::accumulate(exact.begin(), exact.end(), 0.0);
    for (const double weight : exact) found.push_back(static_cast<float>(weight / sum));
    return found;
}

void Resampler::run(std::span<const float> x, std::span<float> y) {
    const auto length = static_cast<std::int64_t>(x.size());
    const auto outputs = std::min(length_of(length), static_cast<std::int64_t>(y.size()));
    for (std::int64_t m = 0; m < outputs; ++m) {
        const std::int64_t place = m * from_ / to_, phase = m * from_ % to_;
        const std::vector<float>& w = weights(phase);
        const std::int64_t first = std::max<std::int64_t>(place + 1 - reach_, 0);
        const std::int64_t last = std::min(place + reach_, length - 1);
        double sum = 0;
        for (std::int64_t n = first; n <= last; ++n)
            sum += static_cast<double>(x[static_cast<std::size_t>(n)]) *
                   static_cast<double>(w[static_cast<std::size_t>(n - (place + 1 - reach_))]);
        y[static_cast<std::size_t>(m)] = static_cast<float>(sum);
    }
    std::fill(y.begin() + outputs, y.end(), 0.0F);
}

}  // namespace spectral

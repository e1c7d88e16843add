// Definitions of what transformers are made of, in double precision, and their gradients as difference
// quotients.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/ops/batch_norm.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::definition {

/// Along the middle axis of outer × axis × inner values; 0 where all are −∞.
Doubles softmax(const Doubles& x, std::int64_t outer, std::int64_t axis, std::int64_t inner);

/// scale·gain·(x − mean)/√(variance + ε) + shift per row of scale.size() values.
Doubles layer_norm(const Doubles& x, const Doubles& scale, const Doubles& shift, double epsilon, double gain);

/// Mean and variance of every channel of batch × channels × space values.
struct ChannelMoments {
    Doubles mean, variance;
};
ChannelMoments channel_moments(const Doubles& x, const ChannelValues& images);

/// scale·gain·(x − mean)/√(variance + ε) + shift by the value's channel.
Doubles channel_norm(const Doubles& x, const ChannelValues& images, const ChannelMoments& moments,
                     const Doubles& scale, const Doubles& shift, double epsilon, double gain);

/// Attention over arrays of batch × heads × queries (or keys) × size values that lie together.
struct Attention {
    std::int64_t batch, heads, queries, keys, size;
    double scale;
    bool causal;
    std::vector<std::uint8_t> keep;  ///< batch × keys, or empty

    bool attends(std::int64_t b, std::int64_t i, std::int64_t j) const {
        return (!causal || j <= i + keys - queries) &&
               (keep.empty() || keep[static_cast<std::size_t>(b * keys + j)] != 0);
    }
    Doubles output(const Doubles& q, const Doubles& k, const Doubles& v) const;
    /// log Σ_j e^{s_ij}
    Doubles log_sum(const Doubles& q, const Doubles& k) const;

private:
    /// Of all keys, −∞ where a query does not attend to one: batch × heads × queries × keys.
    Doubles scores(const Doubles& q, const Doubles& k) const;
};

/// Σ a·b.
double dot(const Doubles& a, const Doubles& b);

/// The slope of `loss()` along each of `values`, which it reads.
template <class Loss>
Doubles difference_quotients(Doubles& values, const Loss& loss) {
    constexpr double kStep = 1e-5;
    Doubles slopes;
    for (double& value : values) {
        const double start = value;
        value = start + kStep;
        const double after = loss();
        value = start - kStep;
        slopes.push_back((after - loss()) / (2 * kStep));
        value = start;
    }
    return slopes;
}

}  // namespace spectral::definition

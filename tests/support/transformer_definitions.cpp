#include "tests/support/transformer_definitions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spectral::definition {

Doubles softmax(const Doubles& x, std::int64_t outer, std::int64_t axis, std::int64_t inner) {
    Doubles y(x.size());
    for (std::int64_t row = 0; row < outer * inner; ++row) {
        const auto at = [&](std::int64_t a) {
            return static_cast<std::size_t>((row / inner * axis + a) * inner + row % inner);
        };
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::int64_t a = 0; a < axis; ++a) largest = std::max(largest, x[at(a)]);
        if (largest == -std::numeric_limits<double>::infinity()) continue;
        for (std::int64_t a = 0; a < axis; ++a) sum += y[at(a)] = std::exp(x[at(a)] - largest);
        for (std::int64_t a = 0; a < axis; ++a) y[at(a)] /= sum;
    }
    return y;
}

ChannelMoments channel_moments(const Doubles& x, const ChannelValues& images) {
    const auto channels = static_cast<std::size_t>(images.channels);
    ChannelMoments moments{Doubles(channels), Doubles(channels)};
    const auto channel = [&](std::size_t at) {
        return at / static_cast<std::size_t>(images.space) % channels;
    };
    const auto count = static_cast<double>(images.count());
    for (std::size_t at = 0; at < x.size(); ++at) moments.mean[channel(at)] += x[at] / count;
    for (std::size_t at = 0; at < x.size(); ++at)
        moments.variance[channel(at)] += std::pow(x[at] - moments.mean[channel(at)], 2) / count;
    return moments;
}

Doubles channel_norm(const Doubles& x, const ChannelValues& images, const ChannelMoments& moments,
                     const Doubles& scale, const Doubles& shift, double epsilon, double gain) {
    Doubles y;
    for (std::size_t at = 0; at < x.size(); ++at) {
        const std::size_t c = at / static_cast<std::size_t>(images.space) % scale.size();
        y.push_back(scale[c] * gain * (x[at] - moments.mean[c]) / std::sqrt(moments.variance[c] + epsilon) +
                    shift[c]);
    }
    return y;
}

Doubles layer_norm(const Doubles& x, const Doubles& scale, const Doubles& shift, double epsilon,
                   double gain) {
    Doubles y(x.size());
    const std::size_t size = scale.size();
    const auto count = static_cast<double>(size);
    for (std::size_t first = 0; first < x.size(); first += size) {
        double mean = 0, variance = 0;
        for (std::size_t i = 0; i < size; ++i) mean += x[first + i] / count;
        for (std::size_t i = 0; i < size; ++i) variance += std::pow(x[first + i] - mean, 2) / count;
        for (std::size_t i = 0; i < size; ++i)
            y[first + i] = scale[i] * gain * (x[first + i] - mean) / std::sqrt(variance + epsilon) + shift[i];
    }
    return y;
}

Doubles Attention::scores(const Doubles& q, const Doubles& k) const {
    Doubles result(static_cast<std::size_t>(batch * heads * queries * keys),
                   -std::numeric_limits<double>::infinity());
    for (std::int64_t row = 0; row < batch * heads * queries; ++row) {
        const std::int64_t head = row / queries;
        for (std::int64_t j = 0; j < keys; ++j) {
            if (!attends(head / heads, row % queries, j)) continue;
            double sum = 0;
            for (std::int64_t d = 0; d < size; ++d)
                sum += q[static_cast<std::size_t>(row * size + d)] *
                       k[static_cast<std::size_t>((head * keys + j) * size + d)];
            result[static_cast<std::size_t>(row * keys + j)] = scale * sum;
        }
    }
    return result;
}

Doubles Attention::output(const Doubles& q, const Doubles& k, const Doubles& v) const {
    const Doubles p = softmax(scores(q, k), batch * heads * queries, keys, 1);
    Doubles y(q.size());
    for (std::int64_t row = 0; row < batch * heads * queries; ++row)
        for (std::int64_t j = 0; j < keys; ++j)
            for (std::int64_t d = 0; d < size; ++d)
                y[static_cast<std::size_t>(row * size + d)] +=
                    p[static_cast<std::size_t>(row * keys + j)] *
                    v[static_cast<std::size_t>((row / queries * keys + j) * size + d)];
    return y;
}

Doubles Attention::log_sum(const Doubles& q, const Doubles& k) const {
    const Doubles all = scores(q, k);
    Doubles result;
    for (std::int64_t row = 0; row < batch * heads * queries; ++row) {
        double sum = 0;
        for (std::int64_t j = 0; j < keys; ++j)
            sum += std::exp(all[static_cast<std::size_t>(row * keys + j)]);
        result.push_back(std::log(sum));
    }
    return result;
}

double dot(const Doubles& a, const Doubles& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace spectral::definition

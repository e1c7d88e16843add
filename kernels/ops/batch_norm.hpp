// Batch norm of real values by channels, and its gradient.
#pragma once

#include "kernels/types.hpp"

namespace spectral {

/// batch × channels × space values; rows of features are channels of one value each.
struct ChannelValues {
    std::int64_t batch = 0, channels = 0, space = 1;

    std::int64_t size() const { return batch * channels * space; }
    /// Values of a channel.
    std::int64_t count() const { return batch * space; }
};

/// With n = (x − mean)·inverse_deviation of the value's channel c:  y = scale[c]·gain·n + shift[c].
/// While `training`, mean is that of the channel over batch and space and inverse_deviation 1/√(Σ(x −
/// mean)²/count + ε), summed in double; both are written, and the running ones move towards them by
/// `momentum`, the variance with count/(count − 1). Else the running ones are used and nothing but y is
/// written. A golden norm has gain √(1/φ), the ordinary one 1. x and y may be the same. Of no values,
/// nothing changes.
struct BatchNorm {
    static constexpr std::string_view name = "batch_norm";
    ChannelValues images;
    bool training = true;
    float epsilon = 1e-5F, momentum = 0.1F, gain = 1;
    const float* x = nullptr;
    const float* scale = nullptr;
    const float* shift = nullptr;
    float* y = nullptr;
    float* mean = nullptr;
    float* inverse_deviation = nullptr;
    float* running_mean = nullptr;
    float* running_variance = nullptr;
    Cost cost() const;
};

/// Of training:  dscale[c] = gain·Σ n·dy,  dshift[c] = Σ dy over batch and space, in double,
///   dx = scale[c]·gain·inverse_deviation·(dy − Σ dy/count − n·Σ n·dy/count).
/// dx may be dy.
struct BatchNormBackward {
    static constexpr std::string_view name = "batch_norm_backward";
    ChannelValues images;
    float gain = 1;
    const float* x = nullptr;
    const float* mean = nullptr;
    const float* inverse_deviation = nullptr;
    const float* scale = nullptr;
    const float* dy = nullptr;
    float* dx = nullptr;
    float* dscale = nullptr;
    float* dshift = nullptr;
    Cost cost() const;
};

}  // namespace spectral

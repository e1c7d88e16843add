// Batch norm by channels and its gradient: channels split over the threads, in tiles whose sums stay in the
// cache while the batch passes. Every place of a tile has a sum of its own until the end, so that a loop over
// the tile is one of vectors.
#include "kernels/ops/batch_norm.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/operations.hpp"

namespace spectral::cpu {

namespace {

constexpr std::int64_t kTile = 256;
using Sums = std::array<double, kTile>;
using Values = std::array<float, kTile>;

/// Channels [first, last): several that fit a tile together, or a single one.
struct Tile {
    const ChannelValues& images;
    std::int64_t first, last;

    /// Which channel, counted from the first, place j of a tile belongs to.
    std::size_t channel(std::int64_t j) const {
        return images.space <= kTile ? static_cast<std::size_t>(j / images.space) : 0;
    }
    std::int64_t places() const { return std::min(kTile, (last - first) * images.space); }

    /// body(at, count) over runs of at most kTile values in their order, place j of a tile at at + j.
    template <class Body>
    void over_runs(const Body& body) const {
        const std::int64_t run = (last - first) * images.space;
        for (std::int64_t b = 0; b < images.batch; ++b)
            for (std::int64_t begin = 0; begin < run; begin += kTile)
                body((b * images.channels + first) * images.space + begin, std::min(kTile, run - begin));
    }
    /// The sums of every channel's places.
    Sums of_channels(const Sums& sums) const {
        Sums total{};
        for (std::int64_t j = 0; j < places(); ++j) total[channel(j)] += sums[static_cast<std::size_t>(j)];
        return total;
    }
    /// A channel's value at each of its places.
    template <class To, class From>
    To spread(const From* of_channel) const {
        To values{};
        for (std::int64_t j = 0; j < places(); ++j)
            values[static_cast<std::size_t>(j)] = of_channel[channel(j)];
        return values;
    }
};

template <class Body>
void over_tiles(Backend& backend, const ChannelValues& images, const Body& body) {
    if (images.space == 0) return;
    const std::int64_t width = std::max<std::int64_t>(1, kTile / images.space);
    as_cpu(backend).pool().split(
        (images.channels + width - 1) / width, [&](int, std::int64_t begin, std::int64_t end) {
            for (std::int64_t tile = begin; tile < end; ++tile)
                body(Tile{images, tile * width, std::min(images.channels, (tile + 1) * width)});
        });
}

/// Means and deviations of a tile's channels, and the running ones moved towards them.
void measure(const BatchNorm& op, const Tile& tile) {
    Sums sums{}, squares{};
    tile.over_runs([&](std::int64_t at, std::int64_t count) {
        const float* x = op.x + at;
        for (std::int64_t j = 0; j < count; ++j)
            sums[static_cast<std::size_t>(j)] += static_cast<double>(x[j]);
    });
    Sums means = tile.of_channels(sums);
    const auto count = static_cast<double>(op.images.count());
    for (double& mean : means) mean /= count;
    const auto centre = tile.spread<Sums>(means.data());
    tile.over_runs([&](std::int64_t at, std::int64_t run) {
        const float* x = op.x + at;
        for (std::int64_t j = 0; j < run; ++j) {
            const double away = static_cast<double>(x[j]) - centre[static_cast<std::size_t>(j)];
            squares[static_cast<std::size_t>(j)] += away * away;
        }
    });
    squares = tile.of_channels(squares);
    const auto momentum = static_cast<double>(op.momentum);
    for (std::int64_t c = tile.first; c < tile.last; ++c) {
        const auto at = static_cast<std::size_t>(c - tile.first);
        const double variance = squares[at] / count;
        op.mean[c] = static_cast<float>(means[at]);
        op.inverse_deviation[c] =
            static_cast<float>(1 / std::sqrt(variance + static_cast<double>(op.epsilon)));
        op.running_mean[c] = static_cast<float>((1 - momentum) * static_cast<double>(op.running_mean[c]) +
                                                momentum * means[at]);
        op.running_variance[c] =
            static_cast<float>((1 - momentum) * static_cast<double>(op.running_variance[c]) +
                               momentum * squares[at] / std::max(count - 1, 1.0));
    }
}

void run_forward(Backend& backend, const BatchNorm& op) {
    if (op.images.size() == 0) return;
    over_tiles(backend, op.images, [&](const Tile& tile) {
        if (op.training) measure(op, tile);
        Values factors{};
        for (std::int64_t c = tile.first; c < tile.last; ++c) {
            const float inverse =
                op.training ? op.inverse_deviation[c] : 1 / std::sqrt(op.running_variance[c] + op.epsilon);
            factors[static_cast<std::size_t>(c - tile.first)] = op.scale[c] * op.gain * inverse;
        }
        const auto factor = tile.spread<Values>(factors.data());
        const auto centre = tile.spread<Values>((op.training ? op.mean : op.running_mean) + tile.first);
        const auto shift = tile.spread<Values>(op.shift + tile.first);
        tile.over_runs([&](std::int64_t at, std::int64_t count) {
            const float* x = op.x + at;
            float* y = op.y + at;
            for (std::int64_t j = 0; j < count; ++j) {
                const auto place = static_cast<std::size_t>(j);
                y[j] = factor[place] * (x[j] - centre[place]) + shift[place];
            }
        });
    });
}

void run_backward(Backend& backend, const BatchNormBackward& op) {
    if (op.images.count() == 0) {
        std::fill_n(op.dscale, op.images.channels, 0.0F);
        std::fill_n(op.dshift, op.images.channels, 0.0F);
        return;
    }
    over_tiles(backend, op.images, [&](const Tile& tile) {
        const auto centre = tile.spread<Values>(op.mean + tile.first),
                   inverse = tile.spread<Values>(op.inverse_deviation + tile.first);
        Sums sums{}, along{};
        tile.over_runs([&](std::int64_t at, std::int64_t count) {
            const float *x = op.x + at, *dy = op.dy + at;
            for (std::int64_t j = 0; j < count; ++j) {
                const auto place = static_cast<std::size_t>(j);
                const float n = (x[j] - centre[place]) * inverse[place];
                sums[place] += static_cast<double>(dy[j]);
                along[place] += static_cast<double>(n) * static_cast<double>(dy[j]);
            }
        });
        sums = tile.of_channels(sums);
        along = tile.of_channels(along);
        Values factors{}, means{}, pulls{};
        const auto count = static_cast<double>(op.images.count());
        for (std::int64_t c = tile.first; c < tile.last; ++c) {
            const auto at = static_cast<std::size_t>(c - tile.first);
            op.dshift[c] = static_cast<float>(sums[at]);
            op.dscale[c] = static_cast<float>(static_cast<double>(op.gain) * along[at]);
            means[at] = static_cast<float>(sums[at] / count);
            pulls[at] = static_cast<float>(along[at] / count);
            factors[at] = op.scale[c] * op.gain * op.inverse_deviation[c];
        }
        const auto factor = tile.spread<Values>(factors.data()), mean = tile.spread<Values>(means.data()),
                   pull = tile.spread<Values>(pulls.data());
        tile.over_runs([&](std::int64_t at, std::int64_t run) {
            const float *x = op.x + at, *dy = op.dy + at;
            float* dx = op.dx + at;
            for (std::int64_t j = 0; j < run; ++j) {
                const auto place = static_cast<std::size_t>(j);
                const float n = (x[j] - centre[place]) * inverse[place];
                dx[j] = factor[place] * (dy[j] - mean[place] - n * pull[place]);
            }
        });
    });
}

}  // namespace

void add_batch_norm(OpTable& table) {
    constexpr auto kChange =
        "tiles of channels split over the threads, the batch in its order, sums in double";
    table.add<BatchNorm>(Level::tiled, run_forward, kChange);
    table.add<BatchNormBackward>(Level::tiled, run_backward, kChange);
}

}  // namespace spectral::cpu

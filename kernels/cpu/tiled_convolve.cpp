// Convolution in tiles by complex transforms, two real tiles in each, the pairs of tiles split over the
// threads: between its reading and its writing a pair stays in the second-level cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/tiled_convolve.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>

#include "kernels/cpu/backend.hpp"
#include "kernels/cpu/complex.hpp"
#include "kernels/cpu/operations.hpp"
#include "kernels/cpu/simd-inl.hpp"
#include "kernels/cpu/three_axes.hpp"
#include "kernels/ops/convolution.hpp"

HWY_BEFORE_NAMESPACE();
namespace spectral::cpu::HWY_NAMESPACE {

/// y = x·w, or y += x·w.
void accumulate_product(const Complex* x, const Complex* w, std::int64_t size, bool add, Complex* y) {
    const Floats d;
    const auto *xs = reinterpret_cast<const float*>(x), *ws = reinterpret_cast<const float*>(w);
    auto* ys = reinterpret_cast<float*>(y);
    std::int64_t i = 0;
    for (; i + lanes() <= size; i += lanes()) {
        Vector x_re, x_im, w_re, w_im, re = hn::Zero(d), im = hn::Zero(d);
        hn::LoadInterleaved2(d, xs + 2 * i, x_re, x_im);
        hn::LoadInterleaved2(d, ws + 2 * i, w_re, w_im);
        if (add) hn::LoadInterleaved2(d, ys + 2 * i, re, im);
        re = hn::MulAdd(x_re, w_re, hn::NegMulAdd(x_im, w_im, re));
        im = hn::MulAdd(x_re, w_im, hn::MulAdd(x_im, w_re, im));
        hn::StoreInterleaved2(re, im, d, ys + 2 * i);
    }
    for (; i < size; ++i) y[i] = (add ? y[i] : Complex()) + multiply(x[i], w[i]);
}

void join_pair(const float* u, const float* v, std::int64_t n, Complex* pair) { join(u, v, n, pair); }
void part_pair(const Complex* pair, std::int64_t n, float* u, float* v) { part(pair, n, u, v); }

}  // namespace spectral::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectral::cpu {

namespace {

HWY_EXPORT(accumulate_product);
HWY_EXPORT(join_pair);
HWY_EXPORT(part_pair);

/// A shape and its tiles on three axes.
struct Geometry {
    ThreeExtents input, output, tile, step, count, before;
    std::int64_t tiles;  ///< of all images

    Geometry(const ConvolutionShape& shape, const SignalShape& tile_shape)
        : input(three(shape.rank, shape.input, 1)),
          output(three(shape.rank, shape.output, 1)),
          tile(three(shape.rank, tile_shape.extent, 1)),
          before(three(shape.rank, shape.before, 0)) {
        const ConvolutionTiles cut(shape, tile_shape);
        step = three(shape.rank, cut.step, 1);
        count = three(shape.rank, cut.count, 1);
        tiles = shape.images * cut.of_image();
    }
};

/// One tile of one image; `image` −1: there is none.
struct Place {
    std::int64_t image = -1;
    ThreeExtents first{};  ///< value of the output that the tile begins with

    Place(const Geometry& g, std::int64_t tile) {
        if (tile >= g.tiles) return;
        for (std::size_t axis = 3; axis-- > 0;) {
            first[axis] = tile % g.count[axis] * g.step[axis];
            tile /= g.count[axis];
        }
        image = tile;
    }
};

constexpr std::int64_t kChunk = 1024;  ///< values of a row that are joined or parted at a time
using Chunk = std::array<float, kChunk>;

/// Where a row of a tile lies: its first two axes, and the column that a chunk of it begins with.
struct Row {
    std::int64_t a, b, column, width;
};

/// The samples of a row of one channel (its number among all images' channels), zeros beside it.
void read_row(const Geometry& g, const float* x, const Place& place, std::int64_t channel, const Row& at,
              Chunk& row) {
    const std::int64_t z = place.first[0] + at.a - g.before[0], y = place.first[1] + at.b - g.before[1],
                       first = place.first[2] + at.column - g.before[2];
    const std::int64_t from = std::clamp<std::int64_t>(-first, 0, at.width),
                       to = std::clamp<std::int64_t>(g.input[2] - first, from, at.width);
    if (place.image < 0 || z < 0 || z >= g.input[0] || y < 0 || y >= g.input[1] || from == to) {
        std::fill_n(row.begin(), at.width, 0.0F);
        return;
    }
    std::fill_n(row.begin(), from, 0.0F);
    const float* line = x + ((channel * g.input[0] + z) * g.input[1] + y) * g.input[2];
    std::copy_n(line + (first + from), to - from, row.begin() + from);
    std::fill(row.begin() + to, row.begin() + at.width, 0.0F);
}

class PairOfTiles {
public:
    PairOfTiles(const TiledConvolve& op, const Geometry& geometry, std::int64_t pair)
        : op_(op), g_(geometry), places_{Place(geometry, 2 * pair), Place(geometry, 2 * pair + 1)} {}

    /// Both tiles of an input channel, one as real, one as imaginary part.
    void read(std::int64_t channel, Complex* z) const {
        std::array<Chunk, 2> rows;
        for (std::int64_t a = 0; a < g_.tile[0]; ++a)
            for (std::int64_t b = 0; b < g_.tile[1]; ++b)
                for (std::int64_t column = 0; column < g_.tile[2]; column += kChunk) {
                    const std::int64_t width = std::min(kChunk, g_.tile[2] - column);
                    for (std::size_t k = 0; k < 2; ++k)
                        read_row(g_, op_.x, places_[k], places_[k].image * op_.shape.in_channels + channel,
                                 {a, b, column, width}, rows[k]);
                    HWY_DYNAMIC_DISPATCH(join_pair)
                    (rows[0].data(), rows[1].data(), width, z + (a * g_.tile[1] + b) * g_.tile[2] + column);
                }
    }

    /// What both tiles give of an output channel.
    void write(std::int64_t channel, const Complex* z) const {
        const ConvolutionShape& s = op_.shape;
        std::array<Chunk, 2> rows;
        for (std::int64_t a = 0; a < g_.step[0]; ++a)
            for (std::int64_t b = 0; b < g_.step[1]; ++b)
                for (std::int64_t column = 0; column < g_.step[2]; column += kChunk) {
                    const std::int64_t width = std::min(kChunk, g_.step[2] - column);
                    HWY_DYNAMIC_DISPATCH(part_pair)
                    (z + (a * g_.tile[1] + b) * g_.tile[2] + column, width, rows[0].data(), rows[1].data());
                    for (std::size_t k = 0; k < 2; ++k) {
                        const auto [i, j, l] = places_[k].first;
                        const std::int64_t kept = std::min(width, g_.output[2] - l - column);
                        if (places_[k].image < 0 || i + a >= g_.output[0] || j + b >= g_.output[1] ||
                            kept <= 0)
                            continue;
                        float* y = op_.y + (places_[k].image * s.out_channels + channel) * s.output_size();
                        std::copy_n(rows[k].begin(), kept,
                                    y + ((i + a) * g_.output[1] + j + b) * g_.output[2] + l + column);
                    }
                }
    }

private:
    const TiledConvolve& op_;
    const Geometry& g_;
    std::array<Place, 2> places_;
};

void run_spectrum(Backend& backend, const ConvolutionSpectrum& op) {
    const ConvolutionShape& s = op.shape;
    const std::int64_t kernels = s.out_channels * s.in_channels, row = convolution_tile_row(op.tile),
                       size = op.tile.size(), kernel_size = s.kernel_size();
    if (kernels == 0) return;
    const auto plan = as_cpu(backend).plans().get({FftwTransform::complex_forward, op.tile, true});
    const ThreeExtents kernel = three(s.rank, s.kernel, 1), tile = three(s.rank, op.tile.extent, 1);
    const float scale = 1 / static_cast<float>(size);
    as_cpu(backend).pool().split(kernels, [&](int part, std::int64_t begin, std::int64_t end) {
        Complex* placed = op.scratch + part * row;
        for (std::int64_t at = begin; at < end; ++at) {
            const float* w = op.w + s.kernel_place(at / s.in_channels, at % s.in_channels);
            std::fill_n(placed, size, Complex());
            for (std::int64_t p = 0; p < kernel_size; ++p)
                placed[(p / (kernel[1] * kernel[2]) * tile[1] + p / kernel[2] % kernel[1]) * tile[2] +
                       p % kernel[2]] = w[s.flipped ? kernel_size - 1 - p : p];
            Complex* spectrum = op.spectrum + at * row;
            plan->transform(placed, spectrum);
            for (std::int64_t i = 0; i < size; ++i) spectrum[i] = scale * std::conj(spectrum[i]);
        }
    });
}

void run_convolve(Backend& backend, const TiledConvolve& op) {
    const ConvolutionShape& s = op.shape;
    if (s.images * s.out_channels * s.output_size() == 0) return;
    if (s.in_channels == 0) {
        std::fill_n(op.y, s.images * s.out_channels * s.output_size(), 0.0F);
        return;
    }
    CpuBackend& cpu = as_cpu(backend);
    const auto forward = cpu.plans().get({FftwTransform::complex_forward, op.tile, true}),
               back = cpu.plans().get({FftwTransform::complex_backward, op.tile, true});
    const Geometry geometry(s, op.tile);
    const std::int64_t row = convolution_tile_row(op.tile), size = op.tile.size();
    const std::int64_t pairs = TiledConvolve::pairs(s, op.tile);
    cpu.pool().split(pairs, [&](int part, std::int64_t begin, std::int64_t end) {
        // Spectra of the input channels, then the sum that a channel of the output is, and a spare tile.
        // Where there are fewer pairs than threads, each of them is a part.
        const std::int64_t slot = pairs < cpu.threads() ? begin : part;
        Complex* spectra = op.scratch + slot * (s.in_channels + s.out_channels + 1) * row;
        Complex *sum = spectra + s.in_channels * row, *spare = sum + row;
        for (std::int64_t pair = begin; pair < end; ++pair) {
            const PairOfTiles tiles(op, geometry, pair);
            for (std::int64_t c = 0; c < s.in_channels; ++c) {
                tiles.read(c, spare);
                forward->transform(spare, spectra + c * row);
            }
            for (std::int64_t o = 0; o < s.out_channels; ++o) {
                for (std::int64_t c = 0; c < s.in_channels; ++c) HWY_DYNAMIC_DISPATCH(accumulate_product)
                (spectra + c * row, op.spectrum + (o * s.in_channels + c) * row, size, c > 0, sum);
                back->transform(sum, spare);
                tiles.write(o, spare);
            }
        }
    });
}

}  // namespace

void add_tiled_convolve(OpTable& table) {
    table.add<ConvolutionSpectrum>(Level::tiled, run_spectrum, "FFTW, kernels split over the threads");
    table.add<TiledConvolve>(Level::tiled, run_convolve,
                             "FFTW, two real tiles in a complex one, pairs of tiles split over the threads");
}

}  // namespace spectral::cpu
#endif  // HWY_ONCE

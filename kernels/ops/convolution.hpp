// Convolution of images of several channels along one to three axes: directly, and in tiles by Fourier
// transforms with the kernel's spectra kept.
#pragma once

#include <algorithm>

#include "kernels/ops/fft.hpp"

namespace spectral {

inline constexpr int kMaxConvolutionRank = 3;

/// Which values of which arrays are multiplied; `rank` axes of space each:
///   y[n,o,i] = Σ_c Σ_p w[o,c,p]·x[n,c,i + p − before],   x zero outside of itself.
/// x: images × in_channels × input, w: out_channels × in_channels × kernel, y: images × out_channels ×
/// output.
struct ConvolutionShape {
    using Extents = std::array<std::int64_t, kMaxConvolutionRank>;

    int rank = 2;
    std::int64_t images = 0, in_channels = 0, out_channels = 0;
    Extents input{1, 1, 1}, kernel{1, 1, 1}, output{1, 1, 1};  ///< extents [0..rank) count
    Extents before{};                                          ///< zeros in front of the first sample
    bool flipped = false;  ///< w is read from its end: a convolution as mathematics has it
    bool swapped = false;  ///< w is stored as in_channels × out_channels × kernel

    std::int64_t input_size() const { return product(input); }
    std::int64_t kernel_size() const { return product(kernel); }
    std::int64_t output_size() const { return product(output); }
    /// Where w of an output and an input channel begins.
    std::int64_t kernel_place(std::int64_t o, std::int64_t c) const {
        return (swapped ? c * out_channels + o : o * in_channels + c) * kernel_size();
    }
    bool operator==(const ConvolutionShape&) const = default;

private:
    std::int64_t product(const Extents& extents) const {
        std::int64_t size = 1;
        for (int axis = 0; axis < rank; ++axis) size *= extents[static_cast<std::size_t>(axis)];
        return size;
    }
};

/// "convolution of 8 images, 64 to 64 channels, 56 × 56 by 3 × 3".
inline std::string convolution_text(const ConvolutionShape& s) {
    return "convolution of " + std::to_string(s.images) + " images, " + std::to_string(s.in_channels) +
           " to " + std::to_string(s.out_channels) + " channels, " + extents_text(s.rank, s.input) + " by " +
           extents_text(s.rank, s.kernel);
}

/// As the sums stand, and bias[o] added to every value of a channel where `bias` is not null.
struct Convolve {
    static constexpr std::string_view name = "convolve";
    ConvolutionShape shape;
    const float* x = nullptr;
    const float* w = nullptr;
    float* y = nullptr;
    const float* bias = nullptr;
    Cost cost() const;
};

/// dw[o,c,p] = Σ_n Σ_i dy[n,o,i]·x[n,c,i + p − before], stored as the shape stores w, and, where `dbias` is
/// not null, dbias[o] = Σ_n Σ_i dy[n,o,i]. The sums are in an order that does not change from run to run.
struct ConvolveWeightGradient {
    static constexpr std::string_view name = "convolve_weight_gradient";
    ConvolutionShape shape;
    const float* x = nullptr;
    const float* dy = nullptr;
    float* dw = nullptr;
    float* dbias = nullptr;
    Cost cost() const;
};

/// Tiles of the output and the windows of the input that they need. A tile has kernel − 1 samples more along
/// every axis than it gives values: what its circular convolution wraps around is left out ("overlap-save").
struct ConvolutionTiles {
    ConvolutionShape::Extents count{1, 1, 1}, step{1, 1, 1};

    /// `tile`: of the shape's rank, no extent below the kernel's.
    ConvolutionTiles(const ConvolutionShape& shape, const SignalShape& tile);
    std::int64_t of_image() const { return count[0] * count[1] * count[2]; }
};

/// Complex values from one tile to the next: whole cache lines.
inline std::int64_t convolution_tile_row(const SignalShape& tile) { return (tile.size() + 7) / 8 * 8; }

/// Spectra of the kernels on tiles: conj DFT(w[o,c])/size, in an order of the backend's own. `spectrum`:
/// spectrum_size() values; `scratch`: scratch_size() values. Both start on 64-byte boundaries.
struct ConvolutionSpectrum {
    static constexpr std::string_view name = "convolution_spectrum";
    ConvolutionShape shape;
    SignalShape tile;
    const float* w = nullptr;
    Complex* spectrum = nullptr;
    Complex* scratch = nullptr;
    static std::int64_t spectrum_size(const ConvolutionShape& shape, const SignalShape& tile) {
        return shape.out_channels * shape.in_channels * convolution_tile_row(tile);
    }
    /// `threads`: the backend's.
    static std::int64_t scratch_size(const SignalShape& tile, int threads) {
        return threads * convolution_tile_row(tile);
    }
    Cost cost() const;
};

/// Convolve in tiles, with the spectra of ConvolutionSpectrum for the same channels, kernel and tile. Two
/// tiles are the real and the imaginary part of one transform. `scratch`: scratch_size() values, on a 64-byte
/// boundary.
struct TiledConvolve {
    static constexpr std::string_view name = "tiled_convolve";
    ConvolutionShape shape;
    SignalShape tile;
    const float* x = nullptr;
    const Complex* spectrum = nullptr;
    float* y = nullptr;
    Complex* scratch = nullptr;
    static std::int64_t pairs(const ConvolutionShape& shape, const SignalShape& tile) {
        return (shape.images * ConvolutionTiles(shape, tile).of_image() + 1) / 2;
    }
    /// Pairs that are worked on at a time, at most.
    static std::int64_t parts(const ConvolutionShape& shape, const SignalShape& tile, int threads) {
        return std::min<std::int64_t>(pairs(shape, tile), threads);
    }
    static std::int64_t scratch_size(const ConvolutionShape& shape, const SignalShape& tile, int threads) {
        return parts(shape, tile, threads) * (shape.in_channels + shape.out_channels + 1) *
               convolution_tile_row(tile);
    }
    Cost cost() const;
};

}  // namespace spectral

// A causal convolution along a sequence with filters as long as the sequence, through its spectrum:
// O(places·log places) for each channel where attention takes O(places²).
#pragma once

#include "engine/nn/dense.hpp"
#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/layer_norm_layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "kernels/ops/fft.hpp"

namespace spectral {

/// y[t,c] = Σ_{s ≤ min(t, length − 1)} filter[c,s]·x[t − s,c], every channel by itself. The sequence is
/// followed by zeros, so that nothing comes around. filter: width × length, drawn from a normal distribution
/// of deviation 1/√(1 + s): near places count more in the beginning.
class LongConvolution final : public Layer {
public:
    /// Throws BadValue "filter_length" unless 1 ≤ length ≤ places.
    LongConvolution(Device device, std::string name, SequenceSize size, std::int64_t length,
                    std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "long-convolution"; }
    Json config() const override { return {{"filter_length", length_}}; }
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return {&filter_}; }
    /// The filters' magnitudes by frequency.
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    /// Values of a channel with the zeros behind it, of its half spectrum, and of all channels' spectra.
    std::int64_t padded() const { return signal_.size(); }
    std::int64_t bins() const { return signal_.spectrum_size(); }
    std::int64_t spectrum() const { return size_.width * bins(); }

    /// Spectra of the channels of rows of places × width, channel by channel.
    void analyse(std::int64_t batch, const float* x, Complex* spectra);
    /// The adjoint: rows of places × width from spectra.
    void synthesise(std::int64_t batch, const Complex* spectra, float* y);
    void transform_filter();

    Device device_;
    SequenceSize size_;
    std::int64_t length_;
    SignalShape signal_;
    Parameter filter_;
    InputRows input_;
    Buffer to_channels_, to_places_;  ///< columns that are gathered
    Tensor weights_;                  ///< of the bins: with them the adjoint is the inverse transform
    Tensor response_;                 ///< spectra of the filters, times the weights
    Tensor filter_rows_;              ///< the filters, each followed by zeros
    Tensor rows_, channels_;          ///< rows followed by a zero, and channels by as many as they need
    Tensor spectra_, product_, work_;
    Tensor response_gradient_, filter_gradient_;  ///< none where it is only run
};

/// What mixes places in a block in attention's stead: a convolution, layer norm and GELU in one pass, and a
/// product over the channels.
class SpectralMixer final : public Layer {
public:
    /// Draws from streams `stream` and `stream` + 1 of `seed`.
    SpectralMixer(Device device, std::string name, SequenceSize size, std::int64_t length,
                  std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream, Use use = Use::train);

    std::string_view kind() const override { return "spectral-mixer"; }
    Json config() const override { return convolution_.config(); }
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override { return parameters_; }
    std::vector<PatternSnapshot::Matrix> patterns() override { return convolution_.patterns(); }

private:
    SequenceSize size_;
    LongConvolution convolution_;
    LayerNormLayer norm_;
    Dense output_;
    std::vector<Parameter*> parameters_;
    Tensor convolved_, bent_;
    Tensor convolved_gradient_, bent_gradient_;  ///< none where it is only run
};

}  // namespace spectral

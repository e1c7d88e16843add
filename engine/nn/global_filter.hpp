// A layer of learned filters in the frequency domain (GFNet): y = irfft(rfft(x) ⊙ W), circular convolutions
// with kernels as large as the signal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/spectral_filter.hpp"

namespace spectral {

/// none · relu: max(y, 0) in space · mod_relu: relu(|ŷ| + b)·ŷ/|ŷ| on the filtered spectrum ŷ, unnormalised,
/// with one b for each channel of the output.
enum class FilterActivation { none, relu, mod_relu };

struct GlobalFilterShape {
    SignalShape signal;  ///< of one channel
    /// Group g of the output sees group g of the input alone: one group mixes all channels, as many as there
    /// are input channels filter each by itself.
    std::int64_t in_channels = 1, out_channels = 1, groups = 1;

    /// Of the filters: real and imaginary parts.
    std::int64_t filter_values() const {
        return 2 * out_channels * (in_channels / groups) * signal.spectrum_size();
    }
};

/// Rows are channels × signal. Parameters: weight, out_channels × group inputs × half spectrum × 2 (real and
/// imaginary parts), and the bias of modReLU. Filters start normal and small: white in frequency or, with
/// `support` > 0, as the transforms of kernels of that extent along every axis around the origin. The output
/// of ReLU must live until backward.
class GlobalFilter final : public Layer {
public:
    /// Throws as require_support().
    GlobalFilter(Device device, std::string name, const GlobalFilterShape& shape, FilterActivation activation,
                 std::int64_t support, std::int64_t max_batch, std::uint64_t seed, std::uint64_t stream,
                 Use use = Use::train);

    /// Throws BadValue "support" where kernels of this extent are larger than the signal.
    static void require_support(const SignalShape& signal, std::int64_t support);

    std::string_view kind() const override { return "global-filter"; }
    Json config() const override;
    std::int64_t inputs() const override { return shape_.in_channels * shape_.signal.size(); }
    std::int64_t outputs() const override { return shape_.out_channels * shape_.signal.size(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;
    std::vector<Parameter*> parameters() override;
    /// Magnitudes and phases around frequency 0, and the kernels around the origin, of the filters from the
    /// first input of each group, 16 at most: side by side on a sheet, or a row each where signals have one
    /// axis.
    std::vector<PatternSnapshot::Matrix> patterns() override;

private:
    SpectralFilterShape filters(std::int64_t batch) const;
    Complex* weights() const { return reinterpret_cast<Complex*>(weight_.value.data()); }
    void start(std::int64_t support, std::uint64_t seed, std::uint64_t stream);

    Device device_;
    GlobalFilterShape shape_;
    FilterActivation activation_;
    std::int64_t bins_, chunk_;
    Parameter weight_;
    std::vector<Parameter> bias_;  ///< of modReLU: none or one
    InputRows input_;
    Tensor x_spectra_;  ///< of the whole batch in training, else of a chunk
    Tensor y_spectra_;  ///< before modReLU, of the whole batch in training; none without modReLU
    Tensor spectra_;    ///< of a chunk: channels of the output
    Tensor x_gradient_spectra_, spare_, masked_;  ///< of a chunk, made when they are needed
    const float* kept_y_ = nullptr;               ///< of the last training pass
};

}  // namespace spectral

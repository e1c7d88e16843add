// A layer without parameters that mixes the places of a sequence by Fourier transforms (FNet).
#pragma once

#include "engine/nn/input_rows.hpp"
#include "engine/nn/layer.hpp"
#include "engine/nn/sequence_size.hpp"
#include "kernels/ops/fourier_mix.hpp"

namespace spectral {

/// y = Re(FFT over places (FFT over width x))/√(places·width): orthonormal, so that what goes in and what
/// comes out are of one size.
class FourierMixing final : public Layer {
public:
    FourierMixing(Device device, std::string name, SequenceSize size, std::int64_t max_batch,
                  Use use = Use::train);

    std::string_view kind() const override { return "fourier-mixing"; }
    Json config() const override { return {{"places", size_.places}, {"width", size_.width}}; }
    std::int64_t inputs() const override { return size_.values(); }
    std::int64_t outputs() const override { return size_.values(); }
    void forward(std::int64_t batch, const LayerInput& x, float* y, bool training) override;
    void backward(std::int64_t batch, const float* dy, float* dx) override;

private:
    Device device_;
    SequenceSize size_;
    InputRows input_;
    Tensor scratch_;
};

}  // namespace spectral

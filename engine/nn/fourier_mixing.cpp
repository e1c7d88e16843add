#include "engine/nn/fourier_mixing.hpp"

#include <utility>

namespace spectral {

FourierMixing::FourierMixing(Device device, std::string name, SequenceSize size, std::int64_t max_batch,
                             Use use)
    : Layer(std::move(name), use),
      device_(device),
      size_(size),
      input_(device, this->name(), size.values(), max_batch),
      scratch_(device, MemoryTag::activations, {FourierMix::scratch_size(max_batch, size.places, size.width)},
               this->name() + " spectra", DType::complex64) {}

void FourierMixing::forward(std::int64_t batch, const LayerInput& x, float* y, bool /*training*/) {
    device_.backend.run(FourierMix{batch, size_.places, size_.width, input_.contiguous(batch, x), y,
                                   scratch_.complex_data()});
}

void FourierMixing::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx != nullptr)
        device_.backend.run(FourierMix{batch, size_.places, size_.width, dy, dx, scratch_.complex_data()});
}

}  // namespace spectral

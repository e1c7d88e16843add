#include "engine/nn/dropout_layer.hpp"

#include <utility>

#include "engine/core/error.hpp"
#include "kernels/ops/dropout.hpp"

namespace spectral {

DropoutLayer::DropoutLayer(Device device, std::string name, double rate, std::int64_t size,
                           std::int64_t max_batch, std::uint64_t seed, std::uint64_t number, Use use)
    : Layer(std::move(name), use),
      device_(device),
      rate_(rate),
      size_(size),
      seed_(seed),
      stream_(kDropoutStreams + (number << 32)),
      input_(device, this->name(), size, max_batch) {
    if (!(rate >= 0 && rate < 1)) throw BadValue("dropout", "is not at least 0 and below 1");
}

void DropoutLayer::drop(std::int64_t batch, const float* x, float* y) {
    device_.backend.run(Dropout{batch * size_, dropout_threshold(rate_), seed_, stream_ + step_, x, y});
}

void DropoutLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    const float* input = input_.contiguous(batch, x);
    if (training)
        drop(batch, input, y);
    else
        device_.backend.copy_on_device(y, input, static_cast<std::size_t>(batch * size_) * sizeof(float));
}

void DropoutLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    if (dx != nullptr) drop(batch, dy, dx);
}

}  // namespace spectral

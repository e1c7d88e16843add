#include "engine/nn/layer.hpp"

#include <utility>

#include "engine/core/error.hpp"

namespace spectral {

Parameter::Parameter(Device device, std::string parameter_name, Shape shape, std::string_view layer, Use use)
    : name(std::move(parameter_name)),
      value(device, MemoryTag::parameters, shape, std::string(layer) + " " + name) {
    if (use == Use::train)
        gradient = Tensor(device, MemoryTag::gradients, shape, std::string(layer) + " " + name + " gradient");
}

Parameter Parameter::statistic(Device device, std::string name, Shape shape, std::string_view layer) {
    Parameter result(device, std::move(name), std::move(shape), layer, Use::run);
    result.trained = false;
    return result;
}

void Layer::require_trained() const {
    require(use_ == Use::train, name_.c_str(), "it was made to be run, not to be trained");
}

}  // namespace spectral

#include "engine/nn/layer.hpp"

#include <utility>

namespace spectral {

Parameter::Parameter(Device device, std::string parameter_name, Shape shape, std::string_view layer)
    : name(std::move(parameter_name)),
      value(device, MemoryTag::parameters, shape, std::string(layer) + " " + name),
      gradient(device, MemoryTag::gradients, shape, std::string(layer) + " " + name + " gradient") {}

}  // namespace spectral

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

PatternSnapshot::Matrix rows_of_parameter(const Parameter& parameter, std::string name, std::string title,
                                          std::string row_axis, std::string column_axis, Device device) {
    HostTensor values = parameter.value.to_host(device.backend);
    PatternOrigin origin{parameter.name, 1, values.shape[1]};
    for (std::int64_t row = 0; row < values.shape[0]; ++row) origin.first.push_back(row * values.shape[1]);
    return {std::move(name),        std::move(title),  std::move(row_axis),
            std::move(column_axis), std::move(values), std::move(origin)};
}

std::string tensor_name(const Layer& layer, const Parameter& parameter) {
    return layer.name() + "/" + parameter.name;
}

void Layer::require_trained() const {
    require(use_ == Use::train, name_.c_str(), "it was made to be run, not to be trained");
}

}  // namespace spectral

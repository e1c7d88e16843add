#include "engine/nn/model.hpp"

namespace spectral {

std::vector<Parameter*> Model::parameters() {
    std::vector<Parameter*> result;
    for (Layer* layer : layers())
        for (Parameter* parameter : layer->parameters()) result.push_back(parameter);
    return result;
}

std::int64_t Model::parameter_count() {
    std::int64_t count = 0;
    for (const Parameter* parameter : parameters())
        if (parameter->trained) count += parameter->value.size();
    return count;
}

}  // namespace spectral

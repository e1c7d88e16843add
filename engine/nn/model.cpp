#include "engine/nn/model.hpp"

namespace spectral {

std::optional<double> Model::syntony() {
    double sum = 0;
    int count = 0;
    for (Layer* layer : layers())
        if (const std::optional<double> own = layer->syntony()) {
            sum += *own;
            ++count;
        }
    return count > 0 ? std::optional(sum / count) : std::nullopt;
}

bool Model::pull_to_syntony(double weight) {
    bool any = false;
    for (Layer* layer : layers())
        if (layer->pull_to_syntony(weight)) any = true;
    return any;
}

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

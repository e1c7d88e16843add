#include "engine/nn/syntony.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

double distance(std::span<const float> a, std::span<const float> b) {
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double apart = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        squares += apart * apart;
    }
    return std::sqrt(squares);
}

}  // namespace

double syntony(std::span<const float> values, std::span<const double> mode_norms) {
    require(values.size() == mode_norms.size(), "syntony", "a vector needs a norm for each of its modes");
    double in_tune = 0, energy = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double part = static_cast<double>(values[i]) * static_cast<double>(values[i]);
        in_tune += part * std::exp(-mode_norms[i] * mode_norms[i] / std::numbers::phi);
        energy += part;
    }
    return energy > 0 ? in_tune / energy : 0;
}

double layer_syntony(std::span<const float> x, std::span<const float> differentiated,
                     std::span<const float> harmonised, double epsilon) {
    require(x.size() == differentiated.size() && x.size() == harmonised.size(), "layer syntony",
            "its vectors differ in size");
    const double moved = distance(differentiated, x), back = distance(differentiated, harmonised);
    return std::clamp(1 - moved / (back + epsilon), 0.0, 1.0);
}

std::vector<double> attention_entropy(std::span<const float> weights, std::size_t places) {
    require(places > 0 && weights.size() % places == 0, "attention entropy",
            "its weights are not whole rows of places");
    std::vector<double> rows;
    for (std::size_t first = 0; first < weights.size(); first += places) {
        double entropy = 0;
        for (const float weight : weights.subspan(first, places))
            if (weight > 0) entropy -= static_cast<double>(weight) * std::log(static_cast<double>(weight));
        rows.push_back(entropy);
    }
    return rows;
}

std::vector<double> attention_syntony(std::span<const float> weights, std::size_t places) {
    std::vector<double> rows = attention_entropy(weights, places);
    for (double& row : rows) row = places == 1 ? 1 : 1 - row / std::log(static_cast<double>(places));
    return rows;
}

}  // namespace spectral

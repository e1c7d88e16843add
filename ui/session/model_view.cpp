#include "ui/session/model_view.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

namespace spectral::ui {

namespace {

using Matrix = PatternSnapshot::Matrix;

const HostTensor* find_tensor(const LayerRecord& layer, const char* name) {
    for (const NamedTensor& named : layer.tensors)
        if (named.name == name && named.tensor.shape.rank() == 2) return &named.tensor;
    return nullptr;
}

double dot(const HostTensor& a, std::int64_t a_row, const HostTensor& b, std::int64_t b_row) {
    const std::int64_t columns = a.shape[1];
    double sum = 0;
    for (std::int64_t f = 0; f < columns; ++f)
        sum += static_cast<double>(a.values[static_cast<std::size_t>(a_row * columns + f)]) *
               static_cast<double>(b.values[static_cast<std::size_t>(b_row * columns + f)]);
    return sum;
}

/// w = softmax over the pool of (pool row · layer pattern), for each layer.
HostTensor pattern_weights(const HostTensor& pool, const HostTensor& layers) {
    const std::int64_t patterns = pool.shape[0], count = layers.shape[0];
    HostTensor weights{Shape{count, patterns},
                       std::vector<float>(static_cast<std::size_t>(count * patterns))};
    for (std::int64_t layer = 0; layer < count; ++layer) {
        std::vector<double> scores;
        for (std::int64_t p = 0; p < patterns; ++p) scores.push_back(dot(pool, p, layers, layer));
        const double largest = *std::ranges::max_element(scores);
        double sum = 0;
        for (double& score : scores) sum += score = std::exp(score - largest);
        for (std::int64_t p = 0; p < patterns; ++p)
            weights.values[static_cast<std::size_t>(layer * patterns + p)] =
                static_cast<float>(scores[static_cast<std::size_t>(p)] / sum);
    }
    return weights;
}

/// g = Π over layers of Σ_p w_p · pool row p.
HostTensor collapsed_gain(const HostTensor& pool, const HostTensor& weights) {
    const std::int64_t patterns = pool.shape[0], columns = pool.shape[1], count = weights.shape[0];
    HostTensor gain{Shape{1, columns}, {}};
    for (std::int64_t f = 0; f < columns; ++f) {
        double product = 1;
        for (std::int64_t layer = 0; layer < count; ++layer) {
            double mixed = 0;
            for (std::int64_t p = 0; p < patterns; ++p)
                mixed += static_cast<double>(weights.values[static_cast<std::size_t>(layer * patterns + p)]) *
                         static_cast<double>(pool.values[static_cast<std::size_t>(p * columns + f)]);
            product *= mixed;
        }
        gain.values.push_back(static_cast<float>(product));
    }
    return gain;
}

std::vector<Matrix> matrices_of(const ModelFile& file) {
    for (const LayerRecord& layer : file.layers) {
        const HostTensor* pool = find_tensor(layer, "pool");
        const HostTensor* layers = find_tensor(layer, "layer_patterns");
        const HostTensor* classes = find_tensor(layer, "class_patterns");
        if (pool == nullptr || layers == nullptr || classes == nullptr) continue;
        if (pool->shape[0] < 1 || pool->shape[1] != layers->shape[1]) continue;
        HostTensor weights = pattern_weights(*pool, *layers);
        HostTensor gain = collapsed_gain(*pool, weights);
        return {{"pool", "Pattern pool", "pattern", "frequency bin", *pool},
                {"layer_patterns", "Layer patterns", "layer", "frequency bin", *layers},
                {"class_patterns", "Class patterns", "class", "frequency bin", *classes},
                {"weights", "Pattern weights", "layer", "pattern", std::move(weights)},
                {"gain", "Collapsed gain", "", "frequency bin", std::move(gain)}};
    }
    for (const LayerRecord& layer : file.layers)
        for (const NamedTensor& named : layer.tensors)
            if (named.tensor.shape.rank() == 2)
                return {{"weight", layer.name + " weight", "output", "feature", named.tensor}};
    return {};
}

double steps_per_epoch(const ModelFile& file) {
    if (file.checkpoint && file.checkpoint->epoch > 0)
        return static_cast<double>(file.checkpoint->step - file.checkpoint->batch_in_epoch) /
               static_cast<double>(file.checkpoint->epoch);
    if (!file.history.test_step.empty() && file.history.test_step.front() > 0)
        return static_cast<double>(file.history.test_step.front());
    return 1;
}

}  // namespace

ModelView view_model(const ModelFile& file, const std::string& path) {
    ModelView view;
    view.config = config_from_json(file.config, path);
    const double per_epoch = std::max(1.0, steps_per_epoch(file));
    const History& history = file.history;
    Updates updates;
    for (std::size_t i = 0; i < history.step.size(); ++i)
        updates.steps.push_back({history.step[i], static_cast<double>(history.step[i]) / per_epoch,
                                 history.loss[i], history.accuracy[i]});
    for (std::size_t i = 0; i < history.test_step.size(); ++i)
        updates.evaluations.push_back({history.test_step[i],
                                       static_cast<double>(history.test_step[i]) / per_epoch,
                                       history.test_loss[i], history.test_accuracy[i], 0, 0});
    auto snapshot = std::make_shared<PatternSnapshot>();
    snapshot->step = file.checkpoint ? file.checkpoint->step : history.step.empty() ? 0 : history.step.back();
    snapshot->epoch = static_cast<double>(snapshot->step) / per_epoch;
    snapshot->matrices = matrices_of(file);
    updates.patterns = std::move(snapshot);
    view.record.add(updates);
    return view;
}

}  // namespace spectral::ui

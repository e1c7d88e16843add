#include "engine/train/file_model.hpp"

#include <fmt/format.h>

#include <span>

#include "engine/compress/packed_tensor.hpp"
#include "engine/core/error.hpp"
#include "engine/nn/registry.hpp"
#include "engine/train/config.hpp"
#include "engine/train/standardisation.hpp"

namespace spectral {

namespace {

/// Of the tensors of the network, in their order.
std::vector<const Shape*> matrices_of(const ModelFile& file) {
    std::vector<const Shape*> matrices;
    for (const LayerRecord& layer : network_layers(file))
        for (const NamedTensor& each : layer.tensors)
            if (each.tensor.shape.rank() == 2) matrices.push_back(&each.tensor.shape);
    return matrices;
}

std::int64_t trained_values(const ModelFile& file) {
    std::int64_t values = 0;
    for (const LayerRecord& layer : network_layers(file))
        for (const NamedTensor& each : layer.tensors)
            if (each.trained) values += each.tensor.shape.size();
    return values;
}

}  // namespace

void require_network(const ModelFile& file, const std::string& where) {
    if (!file.config.contains("model"))
        throw Error(where, "holds tensors, but not the network that they belong to",
                    "give a model that was trained here");
}

double epochs_done(const Checkpoint& at) {
    const auto whole = static_cast<double>(at.epoch);
    if (at.steps_per_epoch <= 0) return whole;
    return whole + static_cast<double>(at.batch_in_epoch) / static_cast<double>(at.steps_per_epoch);
}

NetworkSides network_sides(const ModelFile& file, const std::string& where) {
    require_network(file, where);
    const ExperimentConfig config = resolved_model(config_from_json(file.config, where));
    const std::vector<const Shape*> matrices = matrices_of(file);
    const auto mismatch = [&] {
        return Error(where, "its layers are not those of its configuration",
                     "use it with its own configuration");
    };
    if (matrices.empty()) throw mismatch();
    // Every model gives a class by each row of its last matrix, and those of files that do not tell the
    // features' shape take them by the columns of the first.
    const NetworkSides sides{file.feature_shape.value_or(SignalShape{1, {(*matrices.front())[1], 1, 1}}),
                             (*matrices.back())[0]};
    if (sides.features.size() < 1 || sides.classes < 1 ||
        find_model(config.model).count_parameters(config.model_options, sides.features, sides.classes) !=
            trained_values(file))
        throw mismatch();
    return sides;
}

std::unique_ptr<Model> make_file_model(Device device, const ModelFile& file, const std::string& where,
                                       std::int64_t max_batch) {
    const auto [shape, classes] = network_sides(file, where);
    const ExperimentConfig config = resolved_model(config_from_json(file.config, where));
    return find_model(config.model)
        .make(
            {device, config.model_options, shape, classes, max_batch, 0, device.backend.threads(), Use::run});
}

void load_layer(Device device, Layer& layer, const LayerRecord& record) {
    const auto mismatch = [&](const std::string& why) {
        return Error(fmt::format("layer '{}' of the model file", record.name), why,
                     "use it with its own configuration");
    };
    const std::vector<Parameter*> parameters = layer.parameters();
    if (record.name != layer.name() || record.kind != layer.kind())
        throw mismatch(fmt::format("the model expects '{}' of kind {} here", layer.name(), layer.kind()));
    if (record.tensors.size() != parameters.size())
        throw mismatch(
            fmt::format("it has {} tensors instead of {}", record.tensors.size(), parameters.size()));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const NamedTensor& each = record.tensors[i];
        if (each.name != parameters[i]->name)
            throw mismatch(fmt::format("tensor '{}' is missing", parameters[i]->name));
        if (!(each.tensor.shape == parameters[i]->value.shape()))
            throw mismatch(fmt::format("tensor '{}' is {} instead of {}", parameters[i]->name,
                                       each.tensor.shape.text(), parameters[i]->value.shape().text()));
        const bool to_unpack = each.packed && each.tensor.values.empty();
        parameters[i]->value.assign(device.backend, to_unpack ? unpack(device, *each.packed) : each.tensor);
    }
}

void require_same_layers(std::size_t layers, std::size_t records) {
    require(layers == records, "model file", "it has other layers than the model of its configuration",
            "use it with its own configuration and data");
}

void load_layers(Device device, Model& model, const ModelFile& file) {
    const std::vector<Layer*> layers = model.layers();
    const std::span<const LayerRecord> records = network_layers(file);
    require_same_layers(layers.size(), records.size());
    for (std::size_t i = 0; i < layers.size(); ++i) load_layer(device, *layers[i], records[i]);
}

std::vector<PatternSnapshot::Matrix> patterns_of(const ModelFile& file, const std::string& where) {
    if (matrices_of(file).empty()) return {};
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget(available_memory());
    const Device device{*backend, budget};
    const auto model = make_file_model(device, file, where, 1);
    load_layers(device, *model, file);
    return model->patterns();
}

}  // namespace spectral

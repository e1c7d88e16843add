#include "engine/train/packed_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/nn/dense.hpp"
#include "engine/nn/implicit_linear.hpp"
#include "engine/nn/network_model.hpp"
#include "engine/nn/reorder_layer.hpp"
#include "engine/nn/spectral_linear.hpp"
#include "engine/train/file_model.hpp"
#include "engine/train/standardisation.hpp"

namespace spectral {

namespace {

[[noreturn]] void refuse(const std::string& layer, const std::string& why) {
    throw Error("layer '" + layer + "'", why, "evaluate the model with 'spectral eval'");
}

bool is_one_transform(const PackedTensor& tensor) {
    if (tensor.rank > 0) return false;
    if (tensor.basis.kind != BasisKind::fft && tensor.basis.kind != BasisKind::dct) return false;
    const Basis basis(tensor.shape, tensor.basis);
    return basis.choice().view == tensor.shape && basis.choice().axes == std::vector<int>{0, 1};
}

std::unique_ptr<Layer> spectral_layer(Device device, const std::string& name, const PackedTensor& tensor,
                                      std::int64_t max_batch) {
    const Basis basis(tensor.shape, tensor.basis);
    const PackedList& list = tensor.lists.front();
    const std::vector<float> numbers = kept_numbers(list, basis);
    const std::vector<std::uint32_t> places = kept_indices(list, basis);
    if (basis.parts() == 1)
        return std::make_unique<SpectralLinear>(device, name, tensor.shape[1], tensor.shape[0], places,
                                                std::span<const float>(numbers), true, max_batch, Use::run);
    std::vector<Complex> values;
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) values.emplace_back(numbers[i], numbers[i + 1]);
    return std::make_unique<SpectralLinear>(device, name, tensor.shape[1], tensor.shape[0], places,
                                            std::span<const Complex>(values), true, max_batch, Use::run);
}

HostTensor in_order(const HostTensor& values, const std::vector<std::uint32_t>& order) {
    HostTensor result = values;
    for (std::size_t i = 0; i < order.size(); ++i) result.values[i] = values.values[order[i]];
    return result;
}

struct Build {
    Device device;
    std::int64_t max_batch;
    std::vector<std::unique_ptr<Layer>> layers;
    std::vector<ImplicitLinear*> implicit;
    std::vector<LayerWay> ways;

    void add_order(const std::string& name, const std::vector<std::uint32_t>& order) {
        layers.push_back(std::make_unique<ReorderLayer>(device, name, order, max_batch));
    }

    void add_linear(const LayerRecord& record) {
        const auto named = [&](std::string_view name) -> const NamedTensor& {
            const auto found = std::ranges::find(record.tensors, name, &NamedTensor::name);
            if (found == record.tensors.end()) refuse(record.name, fmt::format("it has no {}", name));
            return *found;
        };
        const NamedTensor &weight = named("weight"), &bias = named("bias");
        const Shape& shape = weight.tensor.shape;
        if (record.tensors.size() != 2 || shape.rank() != 2 || shape.size() == 0 ||
            !(bias.tensor.shape == Shape{shape[0]}))
            refuse(record.name, "it is no linear layer with a weight and a bias");
        LayerWay way{record.name};
        std::vector<std::uint32_t> row_order;  // in which the layer's outputs come; empty: as they are
        HostTensor offsets = bias.packed ? unpack(device, *bias.packed) : bias.tensor;
        way.dense_bytes = shape.size() * static_cast<std::int64_t>(sizeof(float));
        if (!weight.packed) {
            layers.push_back(
                std::make_unique<Dense>(device, record.name, shape[1], shape[0], max_batch, 0, 0, Use::run));
            layers.back()->parameters().front()->value.assign(device.backend, weight.tensor);
        } else if (is_one_transform(*weight.packed)) {
            way.way = LayerWay::Way::spectral;
            // The product is of the weight as it is stored; its inputs and outputs are put in that order.
            const MatrixOrder& order = weight.packed->basis.order;
            if (!order.columns.empty()) add_order(record.name + " inputs", order.columns);
            layers.push_back(spectral_layer(device, record.name, *weight.packed, max_batch));
            row_order = order.rows;
        } else {
            way.way = LayerWay::Way::blocks;
            auto layer = std::make_unique<ImplicitLinear>(device, record.name, *weight.packed, true, Use::run,
                                                          max_batch, std::int64_t{1});
            implicit.push_back(layer.get());
            layers.push_back(std::move(layer));
        }
        if (!row_order.empty()) offsets = in_order(offsets, row_order);
        layers.back()->parameters().back()->value.assign(device.backend, offsets);
        if (!row_order.empty()) add_order(record.name + " outputs", inverse_permutation(row_order));
        ways.push_back(way);
    }
};

/// Made layer by layer, as they are stored: nothing is ever unpacked.
bool is_linear_stack(std::span<const LayerRecord> records) {
    return std::ranges::all_of(records, [](const LayerRecord& record) {
        return record.kind == "dense" || record.kind == "relu" || record.kind == "gelu";
    });
}

void add_stack(std::span<const LayerRecord> records, Build& build) {
    for (const LayerRecord& record : records) {
        if (record.kind == "dense") {
            build.add_linear(record);
            continue;
        }
        if (build.layers.empty()) refuse(record.name, "nothing says how many values it takes");
        build.layers.push_back(std::make_unique<ActivationLayer>(
            build.device, record.name, record.kind == "relu" ? ActivationKind::relu : ActivationKind::gelu,
            build.layers.back()->outputs()));
    }
}

bool holds_packed(const LayerRecord& record) {
    return std::ranges::any_of(record.tensors,
                               [](const NamedTensor& each) { return each.packed.has_value(); });
}

/// Of a layer that has its weights in memory, if it has any.
void add_way(const LayerRecord& record, std::vector<LayerWay>& ways) {
    if (record.tensors.empty()) return;
    LayerWay way{record.name};
    if (holds_packed(record)) way.way = LayerWay::Way::expanded;
    for (const NamedTensor& each : record.tensors)
        way.dense_bytes += each.tensor.shape.size() * static_cast<std::int64_t>(sizeof(float));
    ways.push_back(way);
}

/// The layers of the model's network, packed linear ones as they are stored, others unpacked.
void add_network(std::vector<std::unique_ptr<Layer>> layers, std::span<const LayerRecord> records,
                 Build& build) {
    require_same_layers(layers.size(), records.size());
    const auto stays_packed = [](const LayerRecord& record) {
        return record.kind == "dense" && holds_packed(record);
    };
    for (std::size_t i = 0; i < layers.size(); ++i) {  // room, before others are unpacked
        if (!stays_packed(records[i])) continue;
        if (layers[i]->name() != records[i].name || layers[i]->kind() != records[i].kind)
            refuse(records[i].name, "the model of its configuration has another one in its place");
        layers[i].reset();
    }
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (stays_packed(records[i])) {
            build.add_linear(records[i]);
            continue;
        }
        load_layer(build.device, *layers[i], records[i]);
        build.layers.push_back(std::move(layers[i]));
        add_way(records[i], build.ways);
    }
}

}  // namespace

PackedModel make_packed_model(Device device, const ModelFile& file, std::int64_t max_batch,
                              BlockRows block_rows) {
    Build build{device, max_batch, {}, {}, {}};
    const std::span<const LayerRecord> records = network_layers(file);
    if (records.empty()) throw Error("model file", "it has no layers");
    std::int64_t predictions = 1;
    if (is_linear_stack(records)) {
        add_stack(records, build);
    } else {
        std::unique_ptr<Model> whole = make_file_model(device, file, "the model file", max_batch);
        predictions = whole->predictions();
        auto* const network = dynamic_cast<NetworkModel*>(whole.get());
        if (network == nullptr) {  // one layer that does all
            load_layers(device, *whole, file);
            for (const LayerRecord& record : records) add_way(record, build.ways);
            return {std::move(whole), std::move(build.ways), device.budget.total().peak};
        }
        std::vector<std::unique_ptr<Layer>> layers = std::move(*network).take_layers();
        whole.reset();
        add_network(std::move(layers), records, build);
    }
    const std::int64_t inputs = build.layers.front()->inputs(), width = build.layers.back()->outputs();
    const ModelRequest request{device, Json::object(), {1, {inputs, 1, 1}}, width / predictions, max_batch, 0,
                               1,      Use::run};
    auto model = std::make_unique<NetworkModel>(request, std::move(build.layers), predictions);

    // One block is made at a time: each layer may use all that is left.
    const std::size_t used = device.budget.total().current, limit = device.budget.limit();
    std::size_t least_limit = device.budget.total().peak;
    // Rows gathered at the first pass, and the class scores of a batch, here and on the host.
    const std::size_t spare = static_cast<std::size_t>(max_batch * (inputs + 2 * width)) * sizeof(float);
    for (ImplicitLinear* layer : build.implicit) {
        const std::size_t taken = used + spare + layer->weights().reorder_bytes(max_batch);
        const std::size_t left = limit - std::min(limit, taken);
        const std::int64_t fewest = layer->weights().least_rows();
        const std::int64_t rows =
            block_rows == BlockRows::fewest ? fewest : layer->weights().rows_within(left);
        least_limit = std::max(least_limit, taken + layer->weights().work_bytes(fewest));
        if (layer->weights().work_bytes(rows) > left)
            throw OutOfMemory(fmt::format("layer '{}'", layer->name()),
                              fmt::format("a block of {} rows needs {} bytes beside {} in use, of {}", rows,
                                          layer->weights().work_bytes(rows), taken, limit),
                              "raise the limit");
        layer->set_block_rows(rows);
        std::ranges::find(build.ways, layer->name(), &LayerWay::layer)->block_rows = rows;
    }
    return {std::move(model), std::move(build.ways), least_limit};
}

}  // namespace spectral

#include "engine/nn/purefft.hpp"

#include <cmath>
#include <numbers>
#include <utility>

namespace spectral {

HostTensor cosine_rows(const Shape& shape) {
    HostTensor result{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
    const std::int64_t rows = shape[0], columns = shape[1];
    for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t t = 0; t < columns; ++t)
            result.values[static_cast<std::size_t>(i * columns + t)] =
                static_cast<float>(0.02 * std::cos(2 * std::numbers::pi * static_cast<double>(i) *
                                                   static_cast<double>(t) / static_cast<double>(rows)));
    return result;
}

namespace {

PureFftConfig config_of(const Json& options) {
    const std::string& precision = options.at("precision").get_ref<const std::string&>();
    return {options.at("patterns").get<std::int64_t>(), options.at("layers").get<std::int64_t>(),
            precision == "tf32"   ? Level::tf32
            : precision == "bf16" ? Level::bf16
                                  : Level::best};
}

}  // namespace

PureFftLayer::PureFftLayer(Device device, std::string name, const PureFftConfig& config,
                           std::int64_t frequencies, std::int64_t classes, std::int64_t max_batch, Use use)
    : Layer(std::move(name), use),
      device_(device),
      config_(config),
      level_(device.backend.operations().has(PureFftStep::name, config.precision) ? config.precision
                                                                                  : Level::best),
      pool_(device, "pool", {config.patterns, frequencies}, this->name(), use),
      layer_(device, "layer_patterns", {config.layers, frequencies}, this->name(), use),
      class_(device, "class_patterns", {classes, frequencies}, this->name(), use),
      logits_(device, MemoryTag::activations, {max_batch, classes}, this->name() + " logits"),
      scratch_(device, MemoryTag::workspace,
               {purefft_scratch_size(sizes(max_batch), Level::best, device.backend.threads())},
               this->name() + " scratch") {
    for (Parameter* parameter : parameters())
        parameter->value.assign(device.backend, cosine_rows(parameter->value.shape()));
}

Json PureFftLayer::config() const { return {{"patterns", config_.patterns}, {"layers", config_.layers}}; }

PureFftSizes PureFftLayer::sizes(std::int64_t batch) const {
    return {batch, config_.patterns, config_.layers, outputs(), inputs()};
}

PureFftParameters PureFftLayer::values() const {
    return {pool_.value.data(), layer_.value.data(), class_.value.data()};
}

PureFftGradients PureFftLayer::gradients() {
    return {pool_.gradient.data(), layer_.gradient.data(), class_.gradient.data()};
}

void PureFftLayer::forward(std::int64_t batch, const LayerInput& x, float* y, bool training) {
    device_.backend.run(PureFftForward{sizes(batch), {x.x, x.stride, x.rows}, values(), y, scratch_.data()},
                        level_);
    if (training) kept_ = x;
}

void PureFftLayer::backward(std::int64_t batch, const float* dy, float* dx) {
    require_trained();
    require(dx == nullptr, "purefft", "it gives no gradient by its input", "make it the first layer");
    device_.backend.run(PureFftBackward{
        sizes(batch), {kept_.x, kept_.stride, kept_.rows}, values(), dy, gradients(), scratch_.data()});
}

void PureFftLayer::train_batch(std::int64_t batch, const LayerInput& x, const std::int32_t* labels,
                               LossSums* sums) {
    device_.backend.run(PureFftStep{sizes(batch),
                                    {x.x, x.stride, x.rows},
                                    values(),
                                    labels,
                                    logits_.data(),
                                    gradients(),
                                    sums,
                                    scratch_.data()},
                        level_);
}

PureFftLayer::Gain PureFftLayer::gain() {
    const Tensor weights(device_, MemoryTag::workspace, {config_.layers, config_.patterns},
                         "pattern weights");
    const Tensor gain(device_, MemoryTag::workspace, {1, inputs()}, "collapsed gain");
    device_.backend.run(PureFftGain{sizes(0), values(), weights.data(), gain.data(), scratch_.data()});
    return {weights.to_host(device_.backend), gain.to_host(device_.backend)};
}

PureFftModel::PureFftModel(const ModelRequest& request)
    : device_(request.device),
      layer_(request.device, "purefft", config_of(request.options), request.inputs(), request.classes,
             request.max_batch, request.use) {}

void PureFftModel::train_batch(const Batch& batch, LossSums* sums) {
    layer_.train_batch(batch.size, {batch.x, batch.stride, batch.rows}, batch.labels, sums);
}

void PureFftModel::infer(const Batch& batch, float* logits) {
    layer_.forward(batch.size, {batch.x, batch.stride, batch.rows}, logits, false);
}

std::vector<PatternSnapshot::Matrix> PureFftModel::patterns() {
    std::vector<PatternSnapshot::Matrix> result;
    const auto add = [&](std::size_t i, const char* title, const char* row) {
        const Parameter& parameter = *layer_.parameters()[i];
        result.push_back(rows_of_parameter(parameter, parameter.name, title, row, "frequency bin", device_));
        result.back().origin->parameter.insert(0, layer_.name() + "/");
    };
    PureFftLayer::Gain gain = layer_.gain();
    add(0, "Pattern pool", "pattern");
    add(1, "Layer patterns", "layer");
    add(2, "Class patterns", "class");
    result.push_back({"weights", "Pattern weights", "layer", "pattern", std::move(gain.weights)});
    result.push_back({"gain", "Collapsed gain", "", "frequency bin", std::move(gain.gain)});
    return result;
}

}  // namespace spectral

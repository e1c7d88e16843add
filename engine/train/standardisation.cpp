#include "engine/train/standardisation.hpp"

#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "kernels/ops/features.hpp"

namespace spectral {

namespace {

constexpr const char* kKind = "standardise";

bool standardises(const ModelFile& file) { return !file.layers.empty() && file.layers.front().kind == kKind; }

Tensor to_device(Device device, const HostTensor& values) {
    Tensor tensor(device, MemoryTag::workspace, values.shape, "standardisation");
    tensor.assign(device.backend, values);
    return tensor;
}

}  // namespace

Standardisation::Standardisation(HostTensor mean, HostTensor deviation)
    : mean_(std::move(mean)), deviation_(std::move(deviation)) {}

Standardisation Standardisation::measure(Device device, const FeatureMatrix& features,
                                         std::span<const std::uint32_t> rows) {
    const Tensor mean(device, MemoryTag::workspace, {features.columns}, "feature means");
    const Tensor deviation(device, MemoryTag::workspace, {features.columns}, "feature deviations");
    const Buffer picked(device, MemoryTag::workspace, rows.size_bytes(), "rows to standardise by");
    device.backend.copy_to_device(picked.data(), rows.data(), rows.size_bytes());
    device.backend.run(ColumnMoments{static_cast<std::int64_t>(rows.size()), features.columns,
                                     features.values.data(), features.stride, picked.as<std::uint32_t>(),
                                     mean.data(), deviation.data()});
    return {mean.to_host(device.backend), deviation.to_host(device.backend)};
}

std::optional<Standardisation> Standardisation::from(const ModelFile& file, std::int64_t columns) {
    if (!standardises(file)) return std::nullopt;
    const LayerRecord& record = file.layers.front();
    const auto fits = [&](std::size_t i, const char* name) {
        return record.tensors[i].name == name && record.tensors[i].tensor.shape == Shape{columns};
    };
    if (record.tensors.size() != 2 || !fits(0, "mean") || !fits(1, "deviation"))
        throw Error("model file", "its standardisation does not fit the features of its configuration",
                    "use it with its own configuration and data");
    return Standardisation(record.tensors[0].tensor, record.tensors[1].tensor);
}

void Standardisation::apply(Device device, FeatureMatrix& features) const {
    const Tensor mean = to_device(device, mean_), deviation = to_device(device, deviation_);
    device.backend.run(Standardise{features.rows, features.columns, features.values.data(), features.stride,
                                   mean.data(), deviation.data()});
    device.backend.synchronize();
}

LayerRecord Standardisation::record() const {
    return {"input", kKind, Json::object(), {{"mean", mean_}, {"deviation", deviation_}}};
}

std::span<const LayerRecord> network_layers(const ModelFile& file) {
    return std::span(file.layers).subspan(standardises(file) ? 1 : 0);
}

}  // namespace spectral

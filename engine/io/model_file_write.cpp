// Writes the model file (resources/docs/model-file.md).
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "engine/core/files.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/model_file.hpp"
#include "engine/io/model_schema.hpp"
#include "engine/io/packed_file.hpp"

namespace spectral {

namespace {

using hdf5::Handle;
using hdf5::write_attribute;

std::string utc_now() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::now()));
}

/// Not-a-number becomes null, which JSON has and NaN it has not.
std::string json_text(const Json& value, const char* what) {
    try {
        return value.dump();
    } catch (const Json::exception& failure) {
        throw Error(what, failure.what());
    }
}

/// "007_name": the number keeps names apart and sorts them, the name is for people. The exact name is an
/// attribute.
std::string numbered(std::size_t order, std::string name) {
    for (char& c : name)
        if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
    // Cut at the start of a UTF-8 character.
    std::size_t length = std::min(name.size(), kMaxLinkNameBytes);
    while (length > 0 && length < name.size() && (static_cast<unsigned char>(name[length]) & 0xc0U) == 0x80U)
        --length;
    return fmt::format("{:03}_{}", order, name.substr(0, length));
}

void check_name(const std::string& name, const char* what) {
    if (name.size() > hdf5::kMaxNameBytes)
        throw Error(what, "'" + name.substr(0, 40) + "…' is longer than 255 bytes");
}

Handle write_tensor(hid_t group, const std::string& link, const NamedTensor& entry, std::size_t order) {
    check_name(entry.name, "tensor name");
    Handle object = entry.packed
                        ? write_packed_tensor(group, link, *entry.packed)
                        : hdf5::write_dataset(group, link, hdf5::Element::f32, entry.tensor.shape.extents(),
                                              std::as_bytes(std::span(entry.tensor.values)));
    write_attribute(object.id(), "order", static_cast<std::int64_t>(order));
    return object;
}

void write_layer(hid_t layers, std::size_t order, const LayerRecord& layer) {
    check_name(layer.name, "layer name");
    check_name(layer.kind, "layer kind");
    const Handle group = hdf5::create_group(layers, numbered(order, layer.name));
    write_attribute(group.id(), "name", layer.name);
    write_attribute(group.id(), "kind", layer.kind);
    write_attribute(group.id(), "order", static_cast<std::int64_t>(order));
    write_attribute(group.id(), "params_json", json_text(layer.parameters, "layer parameters"));
    for (std::size_t i = 0; i < layer.tensors.size(); ++i)
        write_tensor(group.id(), layer.tensors[i].name, layer.tensors[i], i);
}

void write_history(hid_t root, const History& history) {
    const std::size_t steps = history.step.size(), tests = history.test_step.size();
    if (history.loss.size() != steps || history.accuracy.size() != steps ||
        history.test_loss.size() != tests || history.test_accuracy.size() != tests)
        throw Error("history", "has columns of unequal length");
    const Handle group = hdf5::create_group(root, "history");
    write_attribute(group.id(), "NX_class", std::string_view("NXdata"));
    write_attribute(group.id(), "signal", std::string_view("loss"));
    write_attribute(group.id(), "axes", std::string_view("step"));
    hdf5::write_list(group.id(), "step", history.step);
    hdf5::write_list(group.id(), "loss", history.loss);
    hdf5::write_list(group.id(), "accuracy", history.accuracy);
    hdf5::write_list(group.id(), "test_step", history.test_step);
    hdf5::write_list(group.id(), "test_loss", history.test_loss);
    hdf5::write_list(group.id(), "test_accuracy", history.test_accuracy);
}

void write_checkpoint(hid_t root, const Checkpoint& checkpoint) {
    const Handle group = hdf5::create_group(root, "checkpoint");
    write_attribute(group.id(), "step", checkpoint.step);
    write_attribute(group.id(), "epoch", checkpoint.epoch);
    write_attribute(group.id(), "batch_in_epoch", checkpoint.batch_in_epoch);
    write_attribute(group.id(), "learning_rate", checkpoint.learning_rate);
    write_attribute(group.id(), "data_seed", checkpoint.data_seed);
    write_attribute(group.id(), "epoch_loss_sum", checkpoint.epoch_loss_sum);
    write_attribute(group.id(), "epoch_correct", checkpoint.epoch_correct);
    hdf5::write_list(group.id(), "epoch_seconds", checkpoint.epoch_seconds);
    const Handle optimiser = hdf5::create_group(group.id(), "optimiser");
    for (std::size_t i = 0; i < checkpoint.optimiser.size(); ++i) {
        const NamedTensor& entry = checkpoint.optimiser[i];
        const Handle dataset = write_tensor(optimiser.id(), numbered(i, entry.name), entry, i);
        write_attribute(dataset.id(), "name", entry.name);
    }
}

/// Throws Error whose subject is the part of the model.
void write_model(hid_t root, const ModelFile& model) {
    write_attribute(root, "encoding-type", kModelEncoding);
    write_attribute(root, "encoding-version", kModelVersionText);
    write_attribute(root, "producer", kProducer);
    write_attribute(root, "created_utc", utc_now());
    write_attribute(root, "config_json", json_text(model.config, "configuration"));
    if (model.learning_rate) write_attribute(root, "learning_rate", *model.learning_rate);
    write_attribute(root, "seed", model.seed);
    write_attribute(root, "dataset", model.dataset);
    write_attribute(root, "dataset_sha256", model.dataset_sha256);
    write_attribute(root, "metrics_json", json_text(model.metrics, "metrics"));
    {
        if (model.layers.size() > kMaxTensors) throw Error("model", "has more than 10,000 layers");
        const Handle layers = hdf5::create_group(root, "layers");
        for (std::size_t i = 0; i < model.layers.size(); ++i) write_layer(layers.id(), i, model.layers[i]);
    }
    // An exported model need not say how it was trained.
    if (model.checkpoint || bytes_of(model.history) > 0) write_history(root, model.history);
    {
        const Handle provenance = hdf5::create_group(root, "provenance");
        write_attribute(provenance.id(), "git", model.provenance.git);
        write_attribute(provenance.id(), "backend", model.provenance.backend);
        write_attribute(provenance.id(), "device", model.provenance.device);
        write_attribute(provenance.id(), "library_versions", model.provenance.library_versions);
    }
    if (model.checkpoint) write_checkpoint(root, *model.checkpoint);
}

}  // namespace

std::size_t bytes_of(const History& history) {
    return (history.step.size() + history.test_step.size()) * (sizeof(std::int64_t) + 2 * sizeof(float));
}

std::size_t bytes_of(const ModelFile& model) {
    std::size_t bytes = bytes_of(model.history);
    const auto add = [&](const NamedTensor& each) {
        bytes += each.tensor.values.size() * sizeof(float);
        if (each.packed)
            for (const PackedList& list : each.packed->lists) bytes += list.bytes();
    };
    for (const LayerRecord& layer : model.layers) std::ranges::for_each(layer.tensors, add);
    if (model.checkpoint) std::ranges::for_each(model.checkpoint->optimiser, add);
    return bytes;
}

std::size_t model_file_size(const ModelFile& model) {
    const hdf5::Quiet quiet;
    hdf5::FileImage file;
    write_model(file.root(), model);
    return file.finish().size();
}

void write_model_file(const std::filesystem::path& path, const ModelFile& model, MemoryBudget* budget) {
    const hdf5::Quiet quiet;
    hdf5::FileImage file(budget != nullptr ? budget->reserve(MemoryTag::workspace, 0, "model file image")
                                           : Reservation());
    std::string_view image;
    try {
        write_model(file.root(), model);
        image = file.finish();
    } catch (const Error& failure) {
        file.require_room();
        throw Error(path.string(), failure.what(), failure.hint());
    }
    replace_file(path, image);
}

}  // namespace spectral

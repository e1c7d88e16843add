// Writes the model file (resources/docs/model-file.md).
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

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

/// There are at most 10,000 layers and as many tensors.
void write_order(const Handle& object, std::size_t order) {
    write_attribute(object.id(), "order", static_cast<std::uint16_t>(order));
}

Handle write_tensor(hid_t file, const NamedTensor& entry, std::size_t order) {
    check_name(entry.name, "tensor name");
    Handle object = entry.packed ? write_packed_tensor(file, *entry.packed)
                                 : hdf5::write_dataset(file, hdf5::Element::f32, entry.tensor.shape.extents(),
                                                       std::as_bytes(std::span(entry.tensor.values)));
    write_order(object, order);
    if (!entry.trained) write_attribute(object.id(), "trained", std::uint16_t{0});
    return object;
}

/// What is in a group, before the group.
class Contents {
public:
    void add(std::string name, Handle object) { links_.emplace_back(std::move(name), std::move(object)); }
    std::size_t size() const { return links_.size(); }
    void link_into(hid_t group) const {
        for (const auto& [name, object] : links_) hdf5::link(group, name, object);
    }

private:
    std::vector<std::pair<std::string, Handle>> links_;
};

Handle write_layer(hid_t file, std::size_t order, const LayerRecord& layer) {
    check_name(layer.name, "layer name");
    check_name(layer.kind, "layer kind");
    Contents tensors;
    for (std::size_t i = 0; i < layer.tensors.size(); ++i)
        tensors.add(layer.tensors[i].name, write_tensor(file, layer.tensors[i], i));
    Handle group = hdf5::create_group(file, tensors.size());
    write_attribute(group.id(), "name", layer.name);
    write_attribute(group.id(), "kind", layer.kind);
    write_order(group, order);
    write_attribute(group.id(), "params_json", json_text(layer.parameters, "layer parameters"));
    tensors.link_into(group.id());
    return group;
}

Handle write_layers(hid_t file, const std::vector<LayerRecord>& records) {
    std::size_t count = 0;
    for (const LayerRecord& each : records) count += each.tensors.size();
    if (records.size() > kMaxTensors || count > kMaxTensors)
        throw Error("model", "has more than 10,000 layers or tensors");
    Contents layers;
    for (std::size_t i = 0; i < records.size(); ++i)
        layers.add(numbered(i, records[i].name), write_layer(file, i, records[i]));
    Handle group = hdf5::create_group(file, layers.size());
    layers.link_into(group.id());
    return group;
}

Handle write_history(hid_t file, const History& history) {
    const std::size_t steps = history.step.size(), tests = history.test_step.size();
    if (history.loss.size() != steps || history.accuracy.size() != steps ||
        history.test_loss.size() != tests || history.test_accuracy.size() != tests)
        throw Error("history", "has columns of unequal length");
    Contents columns;
    columns.add("step", hdf5::write_list(file, history.step));
    columns.add("loss", hdf5::write_list(file, history.loss));
    columns.add("accuracy", hdf5::write_list(file, history.accuracy));
    columns.add("test_step", hdf5::write_list(file, history.test_step));
    columns.add("test_loss", hdf5::write_list(file, history.test_loss));
    columns.add("test_accuracy", hdf5::write_list(file, history.test_accuracy));
    Handle group = hdf5::create_group(file);
    write_attribute(group.id(), "NX_class", std::string_view("NXdata"));
    write_attribute(group.id(), "signal", std::string_view("loss"));
    write_attribute(group.id(), "axes", std::string_view("step"));
    columns.link_into(group.id());
    return group;
}

Handle write_provenance(hid_t file, const Provenance& provenance) {
    Handle group = hdf5::create_group(file);
    write_attribute(group.id(), "git", provenance.git);
    write_attribute(group.id(), "backend", provenance.backend);
    write_attribute(group.id(), "device", provenance.device);
    write_attribute(group.id(), "library_versions", provenance.library_versions);
    if (!provenance.start_sha256.empty())
        write_attribute(group.id(), "start_sha256", provenance.start_sha256);
    if (provenance.replacements > 0) {
        Json last = Json::array();
        for (const Replacement& each : provenance.replaced) last.push_back(to_json(each));
        write_attribute(group.id(), "replaced_json",
                        json_text({{"count", provenance.replacements}, {"last", last}}, "provenance"));
    }
    return group;
}

Handle write_checkpoint(hid_t file, const Checkpoint& checkpoint) {
    Contents moments;
    for (std::size_t i = 0; i < checkpoint.optimiser.size(); ++i) {
        const NamedTensor& entry = checkpoint.optimiser[i];
        Handle dataset = write_tensor(file, entry, i);
        write_attribute(dataset.id(), "name", entry.name);
        moments.add(numbered(i, entry.name), std::move(dataset));
    }
    const Handle optimiser = hdf5::create_group(file, moments.size());
    moments.link_into(optimiser.id());
    const Handle seconds = hdf5::write_list(file, checkpoint.epoch_seconds);
    Handle group = hdf5::create_group(file);
    write_attribute(group.id(), "step", checkpoint.step);
    write_attribute(group.id(), "epoch", checkpoint.epoch);
    write_attribute(group.id(), "batch_in_epoch", checkpoint.batch_in_epoch);
    write_attribute(group.id(), "steps_per_epoch", checkpoint.steps_per_epoch);
    write_attribute(group.id(), "learning_rate", checkpoint.learning_rate);
    write_attribute(group.id(), "data_seed", checkpoint.data_seed);
    write_attribute(group.id(), "epoch_loss_sum", checkpoint.epoch_loss_sum);
    write_attribute(group.id(), "epoch_correct", checkpoint.epoch_correct);
    hdf5::link(group.id(), "optimiser", optimiser);
    hdf5::link(group.id(), "epoch_seconds", seconds);
    return group;
}

/// Throws Error whose subject is the part of the model.
void write_model(hid_t root, const ModelFile& model) {
    write_attribute(root, "encoding-type", kModelEncoding);
    write_attribute(root, "encoding-version", kModelVersionText);
    write_attribute(root, "producer", kProducer);
    write_attribute(root, "created_utc", utc_now());
    write_attribute(root, "config_json", json_text(model.config, "configuration"));
    if (model.feature_shape) {
        const auto extents =
            std::span(model.feature_shape->extent).first(static_cast<std::size_t>(model.feature_shape->rank));
        write_attribute(root, "feature_shape_json", json_text(extents, "shape of the features"));
    }
    if (model.vocabulary.size() > 0) {
        const Json codes =
            std::vector<std::uint32_t>(model.vocabulary.units().begin(), model.vocabulary.units().end());
        write_attribute(root, "vocabulary_json",
                        json_text({{"unit", model.vocabulary.unit_name()}, {"codes", codes}}, "vocabulary"));
    }
    if (model.learning_rate) write_attribute(root, "learning_rate", *model.learning_rate);
    write_attribute(root, "seed", model.seed);
    write_attribute(root, "dataset", model.dataset);
    write_attribute(root, "dataset_sha256", model.dataset_sha256);
    write_attribute(root, "metrics_json", json_text(model.metrics, "metrics"));
    Contents parts;
    parts.add("layers", write_layers(root, model.layers));
    // An exported model need not say how it was trained.
    if (model.checkpoint || bytes_of(model.history) > 0)
        parts.add("history", write_history(root, model.history));
    parts.add("provenance", write_provenance(root, model.provenance));
    if (model.checkpoint) parts.add("checkpoint", write_checkpoint(root, *model.checkpoint));
    parts.link_into(root);
}

}  // namespace

Json to_json(const Replacement& r) {
    return {{"parameter", r.parameter}, {"step", r.step}, {"first", r.first}, {"count", r.count}};
}

void Provenance::add(Replacement replacement) {
    ++replacements;
    replaced.push_back(std::move(replacement));
    if (replaced.size() > kMostReplacements) replaced.erase(replaced.begin());
}

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

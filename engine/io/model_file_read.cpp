// Reads the model file (resources/docs/model-file.md); bytes from outside are not trusted.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "engine/core/json.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/model_file.hpp"
#include "engine/io/model_schema.hpp"
#include "engine/io/packed_file.hpp"
#include "kernels/backend.hpp"

namespace spectral {

namespace {

using hdf5::Dataset;
using hdf5::Group;
using hdf5::Object;

/// Values of a sample.
constexpr std::int64_t kMostFeatures = std::int64_t{1} << 26;

constexpr const char* kNotOursHint = "Give a model file that Spectral Workbench wrote.";

void check_version(const Group& root) {
    if (!root.has_attribute("encoding-type"))
        throw root.error("has no attribute encoding-type: this is another program's HDF5 file", kNotOursHint);
    const std::string encoding = root.text("encoding-type", 1000);
    if (encoding != kModelEncoding)
        throw root.error(
            "has the encoding-type '" + encoding + "', not '" + std::string(kModelEncoding) + "'",
            kNotOursHint);
    const std::string version = root.text("encoding-version", 100);
    int major = 0;
    const auto [end, failure] = std::from_chars(version.data(), version.data() + version.size(), major);
    if (failure != std::errc() || end == version.data() + version.size() || *end != '.' || major < 1)
        throw root.error("has the schema version '" + version + "', which is none");
    if (major > kModelMajorVersion)
        throw root.error(fmt::format("has schema version {}, newer than the {} that this program reads",
                                     version, kModelVersionText),
                         "Update Spectral Workbench, or export the model again with the older schema.");
}

Json json(const Object& object, const char* attribute) {
    const std::string text = object.text(attribute);
    Json value =
        parse_json(text, [&](const std::string& why) { return object.error(attribute + (" " + why)); });
    if (!value.is_object()) throw object.error(std::string(attribute) + " is not a JSON object");
    return value;
}

/// [28,28]: the extents of a sample.
SignalShape feature_shape(const Group& root) {
    constexpr const char* kAttribute = "feature_shape_json";
    const auto error = [&](const std::string& why) { return root.error(kAttribute + (" " + why)); };
    const Json extents = parse_json(root.text(kAttribute, 1000), error);
    if (!extents.is_array() || extents.empty() || extents.size() > kMaxSignalRank)
        throw error("is no list of one to eight extents");
    SignalShape shape{static_cast<int>(extents.size()), {}};
    std::int64_t left = kMostFeatures;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        if (!extents[axis].is_number_unsigned()) throw error("has an extent that is no number of values");
        const auto extent = extents[axis].get<std::uint64_t>();
        if (extent < 1 || extent > static_cast<std::uint64_t>(left))
            throw error(
                fmt::format("has the extent {}, and a sample has 1 to {} values", extent, kMostFeatures));
        shape.extent[axis] = static_cast<std::int64_t>(extent);
        left /= shape.extent[axis];
    }
    return shape;
}

/// {"unit":"character","codes":[10,32,…]}: the characters or bytes that a model's classes are.
Vocabulary vocabulary(const Group& root) {
    constexpr const char* kAttribute = "vocabulary_json";
    constexpr std::size_t kMostUnits = 65536;
    const auto error = [&](const std::string& why) { return root.error(kAttribute + (" " + why)); };
    const Json value = json(root, kAttribute);
    const auto unit = value.find("unit"), codes = value.find("codes");
    if (unit == value.end() || (*unit != "character" && *unit != "byte"))
        throw error("has no unit that is character or byte");
    if (codes == value.end() || !codes->is_array() || codes->empty() || codes->size() > kMostUnits)
        throw error(fmt::format("has no list of 1 to {} codes", kMostUnits));
    std::vector<char32_t> units;
    for (const Json& code : *codes) {
        constexpr auto kLargest = std::numeric_limits<char32_t>::max();
        if (!code.is_number_unsigned() || code.get<std::uint64_t>() > kLargest)
            throw error("has a code that is none");
        units.push_back(code.get<char32_t>());
    }
    try {
        return {*unit == "byte" ? TokenUnit::byte : TokenUnit::character, std::move(units)};
    } catch (const Error& failure) {
        throw error(failure.why());
    }
}

/// Sorts by @order and drops it. Throws when two entries claim the same place.
template <class Entry>
std::vector<Entry> in_order(std::vector<std::pair<std::int64_t, Entry>> entries, const Group& group) {
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 1; i < entries.size(); ++i)
        if (entries[i].first == entries[i - 1].first)
            throw group.error("has two entries with the same order");
    std::vector<Entry> result;
    for (auto& entry : entries) result.push_back(std::move(entry.second));
    return result;
}

HostTensor tensor(const Dataset& dataset) {
    const auto extents = dataset.extents(hdf5::Element::f32);
    HostTensor result;
    result.values = dataset.values<float>();
    try {
        result.shape = Shape(std::span<const std::int64_t>(extents));
    } catch (const Error& failure) {
        throw dataset.error(failure.what());
    }
    return result;
}

/// What becomes of a packed tensor.
class Unpack {
public:
    Unpack(PackedTensors packed, Reservation* room) : packed_(packed), room_(room) {}

    NamedTensor operator()(const Object& object, const std::string& name, PackedTensor packed) const {
        NamedTensor result{name, {packed.shape, {}}, std::nullopt};
        if (packed_ == PackedTensors::unpack) {
            if (!backend_) backend_ = open_backend("cpu", 1);
            if (room_ != nullptr) room_->grow(static_cast<std::size_t>(packed.dense_bytes()));
            try {
                result.tensor = unpack({*backend_, budget_}, packed);
            } catch (const OutOfMemory&) {
                throw;
            } catch (const Error& failure) {
                throw object.error("cannot be unpacked: " + std::string(failure.what()), failure.hint());
            }
        }
        result.packed = std::move(packed);
        return result;
    }

private:
    PackedTensors packed_;
    Reservation* room_;
    mutable MemoryBudget budget_;
    mutable std::unique_ptr<Backend> backend_;
};

/// Reads layers; `tensors_left` bounds their tensors together.
LayerRecord layer(const Group& group, std::size_t& tensors_left, const Unpack& unpack) {
    LayerRecord record;
    record.name = group.text("name", hdf5::kMaxNameBytes);
    record.kind = group.text("kind", hdf5::kMaxNameBytes);
    record.parameters = json(group, "params_json");
    std::vector<std::pair<std::int64_t, NamedTensor>> tensors;
    for (const std::string& name : group.names(tensors_left)) {
        if (!group.is_dataset(name)) {
            // A group is an extra unless it says that it stands for a tensor.
            const Group child = group.group(name);
            if (!child.has_attribute("encoding-type")) continue;
            tensors.emplace_back(child.integer("order"), unpack(child, name, read_sparse_spectrum(child)));
            continue;
        }
        const Dataset dataset = group.dataset(name);
        if (is_packed(dataset))
            tensors.emplace_back(dataset.integer("order"),
                                 unpack(dataset, name, read_packed_tensor(dataset)));
        else
            tensors.emplace_back(dataset.integer("order"), NamedTensor{name, tensor(dataset)});
        if (dataset.has_attribute("trained")) tensors.back().second.trained = dataset.integer("trained") != 0;
    }
    tensors_left -= tensors.size();
    record.tensors = in_order(std::move(tensors), group);
    return record;
}

std::vector<LayerRecord> layers(const Group& root, const Unpack& unpack) {
    const Group group = root.group("layers");
    std::vector<std::pair<std::int64_t, LayerRecord>> records;
    std::size_t tensors_left = kMaxTensors;
    for (const std::string& name : group.names(kMaxTensors)) {
        if (group.is_dataset(name)) continue;
        const Group child = group.group(name);
        records.emplace_back(child.integer("order"), layer(child, tensors_left, unpack));
    }
    return in_order(std::move(records), group);
}

History history(const Group& root) {
    const Group group = root.group("history");
    History result;
    result.step = group.list<std::int64_t>("step");
    result.loss = group.list<float>("loss");
    result.accuracy = group.list<float>("accuracy");
    result.test_step = group.list<std::int64_t>("test_step");
    result.test_loss = group.list<float>("test_loss");
    result.test_accuracy = group.list<float>("test_accuracy");
    const std::size_t steps = result.step.size(), tests = result.test_step.size();
    if (result.loss.size() != steps || result.accuracy.size() != steps || result.test_loss.size() != tests ||
        result.test_accuracy.size() != tests)
        throw group.error("has columns of unequal length");
    return result;
}

void read_replacements(const Group& group, Provenance& provenance) {
    constexpr const char* kAttribute = "replaced_json";
    constexpr std::int64_t kMostCounted = std::int64_t{1} << 53;  // there is room to count on
    const Json value = json(group, kAttribute);
    const auto number = [&](const Json& object, const char* name) {
        const auto found = object.find(name);
        const bool whole = found != object.end() && found->is_number_integer();
        const std::int64_t count = whole ? found->get<std::int64_t>() : -1;  // a larger one is negative here
        if (count < 0) throw group.error(fmt::format("{} has no count '{}'", kAttribute, name));
        return count;
    };
    const auto last = value.find("last");
    if (last == value.end() || !last->is_array() || last->size() > kMostReplacements)
        throw group.error(fmt::format("{} has no list of at most {}", kAttribute, kMostReplacements));
    for (const Json& each : *last) {
        if (!each.is_object() || !each.contains("parameter") || !each["parameter"].is_string())
            throw group.error(fmt::format("{} names no parameter", kAttribute));
        provenance.replaced.push_back({each["parameter"].get<std::string>(), number(each, "step"),
                                       number(each, "first"), number(each, "count")});
    }
    provenance.replacements = number(value, "count");
    if (provenance.replacements < std::ssize(provenance.replaced) || provenance.replacements > kMostCounted)
        throw group.error(fmt::format("{} counts replacements that cannot be", kAttribute));
}

Provenance provenance(const Group& root) {
    const Group group = root.group("provenance");
    Provenance result{group.text("git"), group.text("backend"), group.text("device"),
                      group.text("library_versions")};
    if (group.has_attribute("start_sha256")) result.start_sha256 = group.text("start_sha256", 1000);
    if (group.has_attribute("replaced_json")) read_replacements(group, result);
    return result;
}

Checkpoint checkpoint(const Group& root) {
    const Group group = root.group("checkpoint");
    Checkpoint result;
    result.step = group.integer("step");
    result.epoch = group.integer("epoch");
    result.batch_in_epoch = group.integer("batch_in_epoch");
    if (group.has_attribute("steps_per_epoch")) result.steps_per_epoch = group.integer("steps_per_epoch");
    result.learning_rate = group.real("learning_rate");
    result.data_seed = group.unsigned_integer("data_seed");
    result.epoch_loss_sum = group.real("epoch_loss_sum");
    result.epoch_correct = group.integer("epoch_correct");
    if (result.step < 0 || result.epoch < 0 || result.batch_in_epoch < 0 || result.steps_per_epoch < 0 ||
        result.epoch_correct < 0)
        throw group.error("has a negative count");
    result.epoch_seconds = group.list<double>("epoch_seconds");
    const Group optimiser = group.group("optimiser");
    std::vector<std::pair<std::int64_t, NamedTensor>> tensors;
    for (const std::string& name : optimiser.names(kMaxTensors)) {
        if (!optimiser.is_dataset(name)) continue;
        const Dataset dataset = optimiser.dataset(name);
        tensors.emplace_back(dataset.integer("order"),
                             NamedTensor{dataset.text("name", hdf5::kMaxNameBytes), tensor(dataset)});
    }
    result.optimiser = in_order(std::move(tensors), optimiser);
    return result;
}

}  // namespace

ModelFile read_model_file(const std::filesystem::path& path, Reservation* room, PackedTensors packed) {
    const hdf5::Quiet quiet;
    const Group root = hdf5::open_file(path, kNotOursHint, room);
    check_version(root);
    ModelFile model;
    model.producer = root.text("producer");
    model.created_utc = root.text("created_utc", 1000);
    model.config = json(root, "config_json");
    if (root.has_attribute("feature_shape_json")) model.feature_shape = feature_shape(root);
    if (root.has_attribute("learning_rate")) model.learning_rate = root.real("learning_rate");
    model.seed = root.unsigned_integer("seed");
    if (root.has_attribute("vocabulary_json")) model.vocabulary = vocabulary(root);
    model.dataset = root.text("dataset");
    model.dataset_sha256 = root.text("dataset_sha256", 1000);
    model.metrics = json(root, "metrics_json");
    model.layers = layers(root, Unpack(packed, room));
    // A model that was exported need not say how it was trained; a run must.
    if (root.has("history") || root.has("checkpoint")) model.history = history(root);
    model.provenance = provenance(root);
    if (root.has("checkpoint")) model.checkpoint = checkpoint(root);
    return model;
}

bool is_model_file(const std::filesystem::path& path) {
    const hdf5::Quiet quiet;
    try {
        const Group root = hdf5::open_file(path, kNotOursHint);
        return root.has_attribute("encoding-type") && root.text("encoding-type", 1000) == kModelEncoding;
    } catch (const Error&) {
        return false;  // nothing that this program wrote
    }
}

}  // namespace spectral

#include "engine/io/foreign_hdf5.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/io/hdf5.hpp"

namespace spectral {

namespace {

using hdf5::Element;

constexpr int kMaxDepth = 32;
/// Visited together: hard links may lead in circles.
constexpr std::size_t kMaxObjects = 100'000;
constexpr std::array<std::string_view, 2> kOptimisers{"optimizer", "optimizer_weights"};

class TreeReader {
public:
    explicit TreeReader(std::string file) : collector_(std::move(file)) {}

    void read(const hdf5::Group& group, const std::string& prefix, int depth) {
        if (depth > kMaxDepth)
            throw group.error("lies too deep, or is part of a circle of links",
                              "Write the weights in a plain tree.");
        for (const std::string& name : group.names(objects_left_)) {
            --objects_left_;
            const std::string path = prefix + name;
            if (depth == 0 && std::ranges::find(kOptimisers, name) != kOptimisers.end()) {
                collector_.skip(path, "the optimiser's state");
            } else if (group.is_dataset(name)) {
                add(path, group.dataset(name));
            } else {
                read(group.group(name), path + "/", depth + 1);
            }
        }
    }
    ForeignTensors finish() { return collector_.finish(); }

private:
    void add(const std::string& path, const hdf5::Dataset& dataset) {
        if (!dataset.holds_floats()) {
            collector_.skip(path, "no floats");
            return;
        }
        HostTensor tensor;
        for (const auto& [element, type] :
             {std::pair{Element::f16, FloatType::f16}, {Element::f64, FloatType::f64}})
            if (dataset.holds(element)) {
                tensor.shape = shape_of(dataset, element);
                tensor.values = converted(dataset, element, type);
            }
        if (tensor.shape.rank() == 0 && tensor.values.empty()) {
            tensor.shape = shape_of(dataset, Element::f32);  // refuses floats of any other kind
            tensor.values = dataset.values<float>();
        }
        collector_.add(path, std::move(tensor));
    }

    static Shape shape_of(const hdf5::Dataset& dataset, Element element) {
        const auto extents = dataset.extents(element);
        try {
            return Shape(std::span<const std::int64_t>(extents));
        } catch (const Error& failure) {
            throw dataset.error(failure.what());
        }
    }

    static std::vector<float> converted(const hdf5::Dataset& dataset, Element element, FloatType type) {
        const std::vector<std::byte> bytes = dataset.bytes(element);
        std::span<const std::byte> rest = bytes;
        const ByteSource next = [&](std::span<std::byte> target) {
            std::memcpy(target.data(), rest.data(), target.size());
            rest = rest.subspan(target.size());
        };
        try {
            return read_floats({type, false}, bytes.size() / float_bytes(type), next);
        } catch (const Error& failure) {
            throw dataset.error("cannot be read: " + failure.why(), failure.hint());
        }
    }

    TensorCollector collector_;
    std::size_t objects_left_ = kMaxObjects;
};

}  // namespace

ForeignTensors read_foreign_hdf5(const std::filesystem::path& path, Reservation* room) {
    const hdf5::Quiet quiet;
    TreeReader reader(path.string());
    reader.read(hdf5::open_file(path, "Give an HDF5 file.", room, hdf5::Hashes::ignored), "", 0);
    return reader.finish();
}

}  // namespace spectral

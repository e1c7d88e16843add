#include "engine/io/packed_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/core/json.hpp"

namespace spectral {

namespace {

using hdf5::Element;
using hdf5::Handle;
using hdf5::write_attribute;

constexpr const char* kEncoding = "encoding-type";
constexpr std::string_view kPacked = "packed-spectrum", kSparse = "sparse-spectrum";

/// Every value in half precision, nothing else.
bool is_half(const PackedTensor& tensor) {
    return tensor.rank == 0 && tensor.basis.kind == BasisKind::identity &&
           tensor.lists.front().support == Support::all &&
           tensor.lists.front().value_coding == ValueCoding::f16 && tensor.lists.front().scale == 1;
}

/// The axes in front that are not transformed keep their order, so that NumPy's rfftn has the same layout.
bool is_plain_spectrum(const PackedTensor& tensor) {
    if (tensor.rank > 0 || tensor.basis.kind != BasisKind::fft) return false;
    const PackedList& list = tensor.lists.front();
    if (list.support != Support::listed || list.index_coding != IndexCoding::flat) return false;
    if (list.value_coding != ValueCoding::f32 && list.value_coding != ValueCoding::f16) return false;
    if (list.scale != 1) return false;
    const BasisChoice choice = Basis(tensor.shape, tensor.basis).choice();
    const int first = tensor.shape.rank() - static_cast<int>(choice.axes.size());
    return choice.view == tensor.shape && choice.axes.front() == first && choice.order.empty();
}

std::vector<std::int64_t> as_integers(const std::vector<int>& values) {
    return {values.begin(), values.end()};
}

/// Of the coefficients in the file: the axes in front, then the half spectrum.
std::vector<std::int64_t> spectrum_shape(const PackedTensor& tensor) {
    std::vector<std::int64_t> extents(tensor.shape.extents().begin(), tensor.shape.extents().end());
    extents.back() = extents.back() / 2 + 1;
    return extents;
}

Handle write_half(hid_t file, const PackedTensor& tensor) {
    Handle dataset =
        hdf5::write_dataset(file, Element::f16, tensor.shape.extents(), tensor.lists.front().values);
    write_attribute(dataset.id(), "error_rel_fro", tensor.relative_error);
    return dataset;
}

/// irfftn needs no more than these arrays.
Handle write_sparse(hid_t file, const PackedTensor& tensor) {
    const PackedList& list = tensor.lists.front();
    const Basis basis(tensor.shape, tensor.basis);
    const bool half = list.value_coding == ValueCoding::f16;
    const std::array<std::int64_t, 2> pairs{list.count, 2};
    const Handle indices =
        hdf5::write_list(file, decode_indices(list.index_coding, list.indices, list.count, basis.size()));
    const Handle values = hdf5::write_dataset(file, half ? Element::f16 : Element::complex_f32,
                                              std::span(pairs).first(half ? 2 : 1), list.values);

    constexpr std::size_t kLinks = 2, kAttributes = 11;  // the last is the tensor's order
    Handle group = hdf5::create_group(file, kLinks, kAttributes);
    write_attribute(group.id(), kEncoding, kSparse);
    write_attribute(group.id(), "shape", tensor.shape.extents());
    write_attribute(group.id(), "transform", std::string_view("rfftn"));
    write_attribute(group.id(), "norm", std::string_view("ortho"));
    write_attribute(group.id(), "axes", std::span<const std::int64_t>(as_integers(basis.choice().axes)));
    write_attribute(group.id(), "spectrum_shape", std::span<const std::int64_t>(spectrum_shape(tensor)));
    write_attribute(group.id(), "energy_retained", tensor.energy_retained());
    write_attribute(group.id(), "error_rel_fro", tensor.relative_error);
    write_attribute(group.id(), "dense_bytes", tensor.dense_bytes());
    write_attribute(group.id(), "stored_bytes", static_cast<std::int64_t>(list.bytes()));
    hdf5::link(group.id(), "indices", indices);
    hdf5::link(group.id(), "values", values);
    return group;
}

Handle write_bytes(hid_t file, const PackedTensor& tensor) {
    Handle dataset = hdf5::write_list(file, packed_bytes(tensor));
    write_attribute(dataset.id(), kEncoding, kPacked);
    write_attribute(dataset.id(), "packing_json", packing_json(tensor).dump());
    return dataset;
}

/// Runs `body`; what it refuses is said of the object in the file.
template <class Body>
PackedTensor told_of(const hdf5::Object& object, const Body& body) {
    try {
        return body();
    } catch (const OutOfMemory&) {
        throw;
    } catch (const Error& failure) {
        throw object.error(std::string("cannot be understood: ") + failure.what(), failure.hint());
    }
}

}  // namespace

Handle write_packed_tensor(hid_t file, const PackedTensor& tensor) {
    if (is_half(tensor)) return write_half(file, tensor);
    if (is_plain_spectrum(tensor)) return write_sparse(file, tensor);
    return write_bytes(file, tensor);
}

bool is_packed(const hdf5::Dataset& dataset) {
    return dataset.has_attribute(kEncoding) || dataset.holds(Element::f16);
}

PackedTensor read_packed_tensor(const hdf5::Dataset& dataset) {
    if (!dataset.has_attribute(kEncoding)) {
        return told_of(dataset, [&] {
            const auto extents = dataset.extents(Element::f16);
            PackedTensor tensor;
            tensor.method = "f16";
            tensor.shape = Shape(std::span<const std::int64_t>(extents));
            static_cast<void>(Basis(tensor.shape, {}));  // refuses what has no values
            if (dataset.has_attribute("error_rel_fro"))
                tensor.relative_error = require_error(dataset.real("error_rel_fro"));
            PackedList list;
            list.count = tensor.shape.size();
            list.values = dataset.bytes(Element::f16);
            tensor.lists.push_back(std::move(list));
            return tensor;
        });
    }
    const std::string encoding = dataset.text(kEncoding, 1000);
    if (encoding != kPacked)
        throw dataset.error("is a tensor stored as '" + encoding + "', which is not supported here",
                            "Update Spectral Workbench, or give a model with dense weights.");
    if (dataset.extents(Element::u8).size() != 1) throw dataset.error("is not a list of bytes");
    const std::string text = dataset.text("packing_json");
    const Json header =
        parse_json(text, [&](const std::string& why) { return dataset.error("packing_json " + why); });
    return told_of(dataset, [&] { return parse_packing(header, dataset.values<std::byte>()); });
}

PackedTensor read_sparse_spectrum(const hdf5::Group& group) {
    const std::string encoding = group.text(kEncoding, 1000);
    if (encoding != kSparse)
        throw group.error("is a tensor stored as '" + encoding + "', which is not supported here",
                          "Update Spectral Workbench, or give a model with dense weights.");
    if (group.text("transform", 100) != "rfftn" || group.text("norm", 100) != "ortho")
        throw group.error("is a spectrum of another transform than rfftn with norm 'ortho'");
    return told_of(group, [&] {
        PackedTensor tensor;
        tensor.method = "fft";
        tensor.shape = Shape(std::span<const std::int64_t>(group.integers("shape")));
        tensor.basis.kind = BasisKind::fft;
        for (const std::int64_t axis : group.integers("axes"))
            tensor.basis.axes.push_back(static_cast<int>(std::clamp<std::int64_t>(axis, -1, kMaxRank)));
        tensor.relative_error = require_error(group.real("error_rel_fro"));
        const Basis basis(tensor.shape, tensor.basis);
        tensor.basis = basis.choice();
        const hdf5::Dataset index_data = group.dataset("indices"), value_data = group.dataset("values");
        const std::vector<std::uint32_t> indices = group.list<std::uint32_t>("indices");
        const bool half = value_data.holds(Element::f16);
        const Element type = half ? Element::f16 : Element::complex_f32;
        std::vector<std::int64_t> pairs = index_data.extents(Element::u32);
        if (half) pairs.push_back(2);
        if (value_data.extents(type) != pairs)
            throw Error("sparse spectrum", "it has another number of values than of indices");
        for (std::size_t j = 0; j < indices.size(); ++j)
            if (indices[j] >= basis.size() || (j > 0 && indices[j] <= indices[j - 1]))
                throw Error("sparse spectrum", "its indices do not ascend below the number of coefficients");
        PackedList list;
        list.support = Support::listed;
        list.value_coding = half ? ValueCoding::f16 : ValueCoding::f32;
        list.count = std::ssize(indices);
        list.indices = encode_indices(list.index_coding, indices, basis.size());
        list.values = value_data.bytes(type);
        tensor.lists.push_back(std::move(list));
        return tensor;
    });
}

}  // namespace spectral

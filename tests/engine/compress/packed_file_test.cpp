// Packed tensors in files: every form back as it was, read by an independent reader, and hostile ones
// refused.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <array>
#include <cmath>
#include <functional>

#include "engine/compress/allocate.hpp"
#include "engine/compress/method.hpp"
#include "engine/core/files.hpp"
#include "engine/io/model_file.hpp"
#include "tests/engine/compress/mixed_order.hpp"
#include "tests/engine/python.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

class PackedFile : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_backend("cpu", 2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    ScratchFolder folder_;

    NamedTensor packed(const std::string& name, const HostTensor& dense, const Method& method,
                       const PackOptions& options, double density) {
        const auto packer = method.prepare(device_, dense, options);
        NamedTensor tensor{name, {}, packer->pack(packer->step_at(density))};
        tensor.tensor = unpack(device_, *tensor.packed);
        return tensor;
    }

    /// Every method over shapes, rates, index codings and axes.
    ModelFile every_form() {
        ModelFile model;
        LayerRecord layer{"all", "test", Json::object(), {}};
        int number = 0;
        const auto add = [&](const HostTensor& dense, const Method& method, const PackOptions& options,
                             double density) {
            layer.tensors.push_back(
                packed(method.name + "_" + std::to_string(number++), dense, method, options, density));
        };
        for (const Method& method : method_registry()) {
            if (method.is_null) continue;
            for (const Shape& shape : {Shape{1}, Shape{65}, Shape{30, 49}, Shape{64, 9}, Shape{3, 4, 5, 6}})
                for (const double density : {0.02, 0.4, 1.0})
                    add({shape, normal_values(shape.size(), 4)}, method, {}, density);
        }
        for (const char* name : {"fft", "fft-int4", "dct"})
            for (const IndexCoding coding : kIndexCodings)
                for (const std::vector<int>& axes : {std::vector{0}, {1}, {0, 2}, {1, 2}, {0, 1, 2}}) {
                    PackOptions options{BasisChoice{}, coding, {}};
                    options.basis->axes = axes;
                    const Shape shape{6, 5, 8};
                    add({shape, normal_values(shape.size(), 6)}, find_method(name), options, 0.3);
                }
        for (const char* name : {"fft", "fft-int4", "fft-box", "dct"})
            for (const Shape& shape : {Shape{1}, Shape{65}, Shape{30, 49}, Shape{3, 4, 5, 6}})
                for (const MatrixOrder& order : {mixed_order(shape), MatrixOrder{mixed_order(shape).rows, {}},
                                                 MatrixOrder{{}, mixed_order(shape).columns}}) {
                    PackOptions options{BasisChoice{}, std::nullopt, {}};
                    options.basis->order = order;
                    add({shape, normal_values(shape.size(), 6)}, find_method(name), options, 0.3);
                }
        model.layers = {layer};
        return model;
    }
};

TEST_F(PackedFile, EveryFormComesBack) {
    const ModelFile model = every_form();
    write_model_file(folder_ / "packed.h5", model);
    const ModelFile read = read_model_file(folder_ / "packed.h5");
    const ModelFile kept = read_model_file(folder_ / "packed.h5", nullptr, PackedTensors::keep);
    ASSERT_EQ(read.layers[0].tensors.size(), model.layers[0].tensors.size());
    for (std::size_t t = 0; t < model.layers[0].tensors.size(); ++t) {
        const NamedTensor &wrote = model.layers[0].tensors[t], &got = read.layers[0].tensors[t];
        SCOPED_TRACE(wrote.name);
        EXPECT_EQ(got.name, wrote.name);
        EXPECT_EQ(got.tensor.shape, wrote.tensor.shape);
        EXPECT_EQ(got.tensor.values, wrote.tensor.values);
        ASSERT_TRUE(got.packed);
        EXPECT_NEAR(got.packed->relative_error, wrote.packed->relative_error, 1e-6);
        EXPECT_TRUE(kept.layers[0].tensors[t].tensor.values.empty());
        EXPECT_EQ(kept.layers[0].tensors[t].packed, got.packed);
    }
}

TEST_F(PackedFile, TheShippedReaderGivesTheSameWeights) {
    const std::string python = python_with_h5py();
    if (python.empty()) GTEST_SKIP() << "no Python with h5py; set SPECTRAL_PYTHON to one";
    ModelFile model = every_form();
    write_model_file(folder_ / "packed.h5", model);
    for (NamedTensor& tensor : model.layers[0].tensors) tensor.packed.reset();
    write_model_file(folder_ / "dense.h5", model);
    const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
    const std::string output = output_of(
        python, {here / "compare_models.py", here.parent_path().parent_path().parent_path() / "resources",
                 folder_ / "packed.h5", folder_ / "dense.h5"});
    EXPECT_EQ(output, "the same: " + std::to_string(model.layers[0].tensors.size()) + "\n");
}

/// What the file has beyond coded bytes and their headers: groups, descriptions of datasets, hashes.
TEST_F(PackedFile, OverheadIsAFewHundredBytesATensor) {
    for (const int layers : {2, 50}) {
        ModelFile model;
        std::size_t stored = 0;
        for (int l = 0; l < layers; ++l) {
            LayerRecord layer{"dense" + std::to_string(l), "dense", Json::object(), {}};
            for (const char* name : {"weight", "bias"}) {
                const Shape shape = name == std::string("bias") ? Shape{64} : Shape{64, 16};
                layer.tensors.push_back(
                    packed(name, {shape, normal_values(shape.size(), 1)}, find_method("fft-int8"), {}, 0.5));
                stored += layer.tensors.back().packed->stored_bytes();
            }
            model.layers.push_back(layer);
        }
        const std::size_t overhead = model_file_size(model) - stored;
        // What the objects of the schema take without a gap between them: model-file.md adds it up.
        EXPECT_LE(overhead, 1024U + 450U * 2 * static_cast<std::size_t>(layers));
        RecordProperty("overhead_of_" + std::to_string(2 * layers) + "_tensors", static_cast<int>(overhead));
    }
}

/// A file with one sparse spectrum, in which `change` spoils something.
class SpoiledSpectrum : public PackedFile {
protected:
    std::string refusal(const std::function<void(hid_t group)>& change) {
        ModelFile model;
        PackOptions options{BasisChoice{}, IndexCoding::flat, {}};
        model.layers = {
            {"layer",
             "dense",
             Json::object(),
             {packed("weight", {Shape{6, 10}, normal_values(60, 1)}, find_method("fft"), options, 0.4)}}};
        const std::filesystem::path path = folder_ / "spoiled.h5";
        write_model_file(path, model);
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        const hid_t group = H5Gopen2(file, "/layers/000_layer/weight", H5P_DEFAULT);
        change(group);
        H5Gclose(group);
        H5Fclose(file);
        return failure([&] { read_model_file(path); });
    }

    template <class T>
    static void set_attribute(hid_t object, const char* name, hid_t type, const T* value) {
        const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
        H5Awrite(attribute, type, value);
        H5Aclose(attribute);
    }

    /// With a hash that fits.
    static void set_indices(hid_t group, const std::function<void(std::vector<std::uint32_t>&)>& change) {
        const hid_t data = H5Dopen2(group, "indices", H5P_DEFAULT), space = H5Dget_space(data);
        std::vector<std::uint32_t> indices(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
        H5Dread(data, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, indices.data());
        change(indices);
        H5Dwrite(data, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, indices.data());
        const std::string hash = sha256(std::as_bytes(std::span(indices)));
        const hid_t attribute = H5Aopen(data, "sha256", H5P_DEFAULT), text = H5Aget_type(attribute);
        H5Awrite(attribute, text, hash.data());
        H5Tclose(text);
        H5Aclose(attribute);
        H5Sclose(space);
        H5Dclose(data);
    }
};

TEST_F(SpoiledSpectrum, IsRefusedByName) {
    EXPECT_EQ(refusal([](hid_t) {}), "nothing was thrown");
    const auto refused = [&](const std::function<void(hid_t)>& change, const char* why) {
        const std::string message = refusal(change);
        EXPECT_NE(message.find("/layers/000_layer/weight"), std::string::npos) << message;
        EXPECT_NE(message.find(why), std::string::npos) << message;
    };
    refused([](hid_t group) { set_indices(group, [](auto& indices) { std::swap(indices[0], indices[1]); }); },
            "do not ascend");
    refused([](hid_t group) { set_indices(group, [](auto& indices) { indices.back() = 36; }); },
            "below the number of coefficients");
    const double not_a_number = std::nan("");
    refused([&](hid_t group) { set_attribute(group, "error_rel_fro", H5T_NATIVE_DOUBLE, &not_a_number); },
            "relative error is nan");
    const std::array<std::int64_t, 2> huge{1 << 30, 1 << 30}, turned{1, 0};
    refused([&](hid_t group) { set_attribute(group, "shape", H5T_NATIVE_INT64, huge.data()); }, "32 bits");
    refused([&](hid_t group) { set_attribute(group, "axes", H5T_NATIVE_INT64, turned.data()); }, "axes");
    for (const char* name : {"transform", "norm"})
        refused(
            [&](hid_t group) {
                const hid_t attribute = H5Aopen(group, name, H5P_DEFAULT), type = H5Aget_type(attribute);
                H5Awrite(attribute, type, "other text");
                H5Tclose(type);
                H5Aclose(attribute);
            },
            "another transform");
    refused([](hid_t group) { H5Ldelete(group, "values", H5P_DEFAULT); }, "values is missing");
}

TEST(Packing, RefusesHeadersItDidNotWrite) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    const auto packer = find_method("fft").prepare({*backend, budget}, {Shape{8, 9}, normal_values(72, 1)});
    const PackedTensor packed = packer->pack(5);
    const Json header = packing_json(packed);
    const std::vector<std::byte> bytes = packed_bytes(packed);
    const auto refused = [&](const char* pointer, const Json& value) {
        Json changed = header;
        changed[Json::json_pointer(pointer)] = value;
        return failure([&] { unpack({*backend, budget}, parse_packing(changed, bytes)); });
    };
    EXPECT_EQ(failure([&] {
                  unpack({*backend, budget}, parse_packing(header, bytes));
              }),
              "nothing was thrown");
    for (const auto& [pointer, value] :
         std::vector<std::pair<const char*, Json>>{{"/shape", "8"},
                                                   {"/shape", Json::array()},
                                                   {"/shape", {8, -9}},
                                                   {"/shape", {1 << 30, 1 << 30}},
                                                   {"/shape", {1, 1, 1, 1, 1, 1, 1, 8, 9}},
                                                   {"/basis", "wavelet"},
                                                   {"/basis", "random"},
                                                   {"/basis", 3},
                                                   {"/basis", "low-rank"},
                                                   {"/axes", {1, 0}},
                                                   {"/axes", {7}},
                                                   {"/axes", Json::array()},
                                                   {"/view", {5, 5}},
                                                   {"/error_rel_fro", -1},
                                                   {"/error_rel_fro", nullptr},
                                                   {"/lists", Json::array()},
                                                   {"/lists/0/count", 6},
                                                   {"/lists/0/count", -1},
                                                   {"/lists/0/count", std::uint64_t{1} << 63},
                                                   {"/lists/0/values", "f64"},
                                                   {"/lists/0/support", "some"},
                                                   {"/lists/0/support", "all"},
                                                   {"/lists/0/scale", "1"},
                                                   {"/lists/0/index", "flat-u32"},
                                                   {"/lists/0/index_bytes", 1000},
                                                   {"/lists/0/value_bytes", 1},
                                                   {"/lists/0/value_bytes", -1}}) {
        SCOPED_TRACE(pointer + (" " + value.dump()));
        EXPECT_NE(refused(pointer, value), "nothing was thrown");
    }
    std::vector<std::byte> longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_EQ(failure([&] { parse_packing(header, longer); }), "packed tensor: 1 coded bytes are left over");
    EXPECT_EQ(failure([&] { parse_packing(Json::array(), bytes); }),
              "packed tensor: its header is no JSON object");
}

TEST(Packing, RefusesOrdersThatAreNone) {
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    PackOptions options;
    options.basis.emplace();
    options.basis->order = mixed_order(Shape{8, 9});
    const auto packer =
        find_method("dct").prepare({*backend, budget}, {Shape{8, 9}, normal_values(72, 1)}, options);
    const PackedTensor packed = packer->pack(5);
    const Json header = packing_json(packed);
    const std::vector<std::byte> bytes = packed_bytes(packed);
    const auto refused = [&](const Json& ordered, std::span<const std::byte> given) {
        Json changed = header;
        changed["ordered"] = ordered;
        return failure([&] { unpack({*backend, budget}, parse_packing(changed, given)); });
    };
    EXPECT_EQ(header["ordered"], Json::parse("[[0,1],[1,1]]"));
    EXPECT_EQ(refused(header["ordered"], bytes), "nothing was thrown");
    for (const char* ordered :
         {"3", "{}", "[]", "[0]", "[[0,1]]", "[[1,1]]", "[[1,1],[0,1]]", "[[0,2],[1,1]]", "[[0,1],[0,1]]",
          "[[0,1],[1,1],[2,1]]", "[[0,1],[1,1],[1,1]]"})
        EXPECT_NE(refused(Json::parse(ordered), bytes), "nothing was thrown") << ordered;
    std::vector<std::byte> twice = bytes;
    twice.back() = twice[twice.size() - 2];
    EXPECT_EQ(refused(header["ordered"], twice), "order: it does not name each of 9 once");
    EXPECT_NE(refused(header["ordered"], std::span(bytes).first(bytes.size() - 1)), "nothing was thrown");
}

TEST(Packing, RefusesRanksAndSizesThatNoMatrixHas) {
    for (const auto& [shape, rank] :
         std::vector<std::pair<Json, std::int64_t>>{{{1}, std::int64_t{1} << 32},
                                                    {{4, 5}, 5},
                                                    {{4, 5}, 0},
                                                    {{std::int64_t{1} << 31, std::int64_t{1} << 31}, 1}}) {
        const Json list{
            {"support", "all"}, {"count", 0}, {"values", "f16"}, {"scale", 1}, {"value_bytes", 0}};
        const Json header{{"method", "svd"},     {"shape", shape}, {"error_rel_fro", 0},
                          {"basis", "low-rank"}, {"rank", rank},   {"lists", {list, list}}};
        EXPECT_NE(failure([&, &shape = shape] { parse_packing(header, {}); }), "nothing was thrown")
            << header;
    }
}

/// A few bytes that promise more than any machine has.
TEST(Packing, AShapeBombIsAShortageOfMemory) {
    PackedTensor bomb;
    bomb.shape = Shape{std::int64_t{1} << 31, std::int64_t{1} << 31};
    bomb.rank = 1;
    bomb.lists.resize(2);
    const auto backend = open_backend("cpu", 1);
    MemoryBudget budget;
    EXPECT_THROW(unpack({*backend, budget}, bomb), OutOfMemory);
}

TEST(Allocation, TakesTheStepsThatBringMost) {
    const std::vector<OperatingPoint> points{{0, 10, 100}, {1, 20, 50}, {2, 30, 45},
                                             {3, 40, 10},  {4, 20, 60}, {5, 50, 10}};
    const std::vector<OperatingPoint> hull = lower_hull(points);
    ASSERT_EQ(hull.size(), 3U);  // the third lies above the line from the second to the fourth
    EXPECT_EQ(hull[1].choice, 1U);
    EXPECT_EQ(hull[2].choice, 3U);
    const std::vector<OperatingPoint> other{{0, 10, 30}, {1, 15, 0}};
    EXPECT_FALSE(allocate({hull, other}, 19));
    EXPECT_EQ(allocate({hull, other}, 20), (std::vector<std::size_t>{0, 0}));
    EXPECT_EQ(allocate({hull, other}, 27), (std::vector<std::size_t>{0, 1}));  // 5 a byte comes too dear
    EXPECT_EQ(allocate({hull, other}, 35), (std::vector<std::size_t>{1, 1}));
    EXPECT_EQ(allocate({hull, other}, 1000), (std::vector<std::size_t>{2, 1}));
}

}  // namespace
}  // namespace spectral::test

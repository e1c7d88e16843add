// HDF5 files of other programs: trees of floats become layers, hostile ones are refused. Files of h5py are
// read in tests/cli/test_foreign_files.py.
#include "engine/io/foreign_hdf5.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <array>
#include <functional>

#include "engine/io/tensor_file.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

class ForeignHdf5 : public testing::Test {
protected:
    ScratchFolder folder_;
    std::filesystem::path path_ = folder_ / "weights.h5";
    const std::vector<double> numbers_{1, -2, 0.5, 4, 0x1p-20, -8};

    void make(const std::function<void(hid_t file)>& fill) {
        const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        ASSERT_GE(file, 0);
        fill(file);
        ASSERT_GE(H5Fclose(file), 0);
    }
    /// Six numbers as 2 × 3.
    void put(
        hid_t parent, const char* name, hid_t type,
        const std::function<void(hid_t)>& prepare = [](hid_t) {}) const {
        const hid_t links = H5Pcreate(H5P_LINK_CREATE), properties = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_create_intermediate_group(links, 1);
        prepare(properties);
        const std::array<hsize_t, 2> extents{2, 3};
        const hid_t space = H5Screate_simple(2, extents.data(), nullptr);
        const hid_t dataset = H5Dcreate2(parent, name, type, space, links, properties, H5P_DEFAULT);
        ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers_.data()), 0);
        H5Dclose(dataset);
        H5Sclose(space);
        H5Pclose(properties);
        H5Pclose(links);
    }
    void expect_refused(const std::function<void(hid_t file)>& fill, std::string_view why) {
        make(fill);
        const std::string message = failure([&] { read_tensor_file(path_); });
        EXPECT_TRUE(message.starts_with(path_.string())) << message;
        EXPECT_NE(message.find(why), std::string::npos) << message;
    }
};

TEST_F(ForeignHdf5, TreesOfFloatsBecomeLayers) {
    make([&](hid_t file) {
        put(file, "layers/dense/vars/0", H5T_IEEE_F32LE);
        put(file, "layers/dense/vars/1", H5T_IEEE_F64LE);
        put(file, "model_weights/out/out/kernel:0", H5T_IEEE_F32LE, [](hid_t properties) {
            H5Pset_chunk(properties, 2, std::array<hsize_t, 2>{2, 2}.data());
            H5Pset_shuffle(properties);
            H5Pset_deflate(properties, 9);
            H5Pset_fletcher32(properties);
        });
        put(file, "step", H5T_STD_I64LE);
        put(file, "optimizer_weights/momentum", H5T_IEEE_F32LE);
    });
    const TensorFile read = read_tensor_file(path_);
    EXPECT_EQ(read.format, TensorFormat::hdf5);
    EXPECT_EQ(read.skipped,
              (std::vector<std::string>{"optimizer_weights (the optimiser's state)", "step (no floats)"}));
    ASSERT_EQ(read.model.layers.size(), 2U);
    EXPECT_EQ(read.model.layers[0].name, "layers/dense/vars");
    EXPECT_EQ(read.model.layers[0].kind, kImportedKind);
    ASSERT_EQ(read.model.layers[0].tensors.size(), 2U);
    EXPECT_EQ(read.model.layers[1].name, "model_weights/out/out");
    EXPECT_EQ(read.model.layers[1].tensors[0].name, "kernel:0");
    for (const LayerRecord& layer : read.model.layers)
        for (const NamedTensor& each : layer.tensors) {
            EXPECT_EQ(each.tensor.shape, (Shape{2, 3}));
            EXPECT_EQ(each.tensor.values, std::vector<float>(numbers_.begin(), numbers_.end()));
        }
}

/// As MATLAB's files have.
TEST_F(ForeignHdf5, ABlockInFrontIsSkipped) {
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, 512);
    const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    put(file, "w", H5T_IEEE_F64LE);
    H5Fclose(file);
    H5Pclose(creation);
    EXPECT_EQ(read_tensor_file(path_).model.layers.size(), 1U);
}

TEST_F(ForeignHdf5, HostileTreesAreRefused) {
    expect_refused([&](hid_t file) { put(file, "w", H5T_IEEE_F32BE); }, "little-endian");
    expect_refused([](hid_t file) { H5Lcreate_soft("/w", file, "v", H5P_DEFAULT, H5P_DEFAULT); },
                   "no plain entry");
    expect_refused([](hid_t file) { H5Lcreate_external("o.h5", "/w", file, "w", H5P_DEFAULT, H5P_DEFAULT); },
                   "no plain entry");
    expect_refused([](hid_t file) { H5Lcreate_hard(file, "/", file, "again", H5P_DEFAULT, H5P_DEFAULT); },
                   "circle");
    const auto deep = [](int levels, bool twice) {
        return [=](hid_t file) {
            std::vector<hid_t> groups{file};
            for (int level = 0; level < levels; ++level) {
                groups.push_back(H5Gcreate2(groups.back(), "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
                if (twice)
                    H5Lcreate_hard(groups[groups.size() - 2], "a", groups[groups.size() - 2], "b",
                                   H5P_DEFAULT, H5P_DEFAULT);
            }
            for (std::size_t i = 1; i < groups.size(); ++i) H5Gclose(groups[i]);
        };
    };
    expect_refused(deep(40, false), "too deep");
    // Two links at every level lead to one group: few bytes, more paths than can ever be walked.
    expect_refused(deep(30, true), "entries");
    expect_refused(
        [&](hid_t file) {
            put(file, "a.b", H5T_IEEE_F32LE);
            put(file, "a/b", H5T_IEEE_F32LE);
        },
        "is there twice");
}

TEST_F(ForeignHdf5, WhatIsReadIsCounted) {
    make([&](hid_t file) { put(file, "w", H5T_IEEE_F64LE); });
    MemoryBudget budget(40);
    Reservation room = budget.reserve(MemoryTag::data, 0, "weights");
    EXPECT_THROW(read_foreign_hdf5(path_, &room), OutOfMemory);
    budget.set_limit(1000);
    EXPECT_EQ(read_foreign_hdf5(path_, &room).model.layers.size(), 1U);
}

TEST_F(ForeignHdf5, EveryTruncationIsRefused) {
    make([&](hid_t file) { put(file, "layers/dense/vars/0", H5T_IEEE_F32LE); });
    const std::string whole = file_bytes(path_);
    for (std::size_t length = 8; length < whole.size(); length += 37) {
        put_bytes(path_, std::string_view(whole).substr(0, length));
        EXPECT_NE(failure([&] { read_tensor_file(path_); }), "nothing was thrown") << length;
    }
}

}  // namespace
}  // namespace spectral::test

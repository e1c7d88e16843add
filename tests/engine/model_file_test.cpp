// The model file: what is written comes back bit for bit, also through h5py; a failed write changes nothing.
#include "engine/io/model_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/core/error.hpp"
#include "engine/core/files.hpp"
#include "python.hpp"
#include "sample_model.hpp"

namespace spectral::test {
namespace {

std::size_t entries(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(ModelFile, RoundTrip) {
    const ScratchFolder folder;
    const ModelFile model = sample_model();
    write_model_file(folder / "model.h5", model);
    const ModelFile read = read_model_file(folder / "model.h5");
    EXPECT_TRUE(same(model, read));
    EXPECT_EQ(read.layers[1].tensors.front().name, "zz_scalar")
        << "the order of the network, not the alphabet";
    EXPECT_FALSE(read.producer.empty());
    EXPECT_EQ(read.created_utc.size(), std::string("2026-01-31T12:00:00Z").size());
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(ModelFile, RoundTripOfNothing) {
    const ScratchFolder folder;
    write_model_file(folder / "model.h5", ModelFile{});
    EXPECT_TRUE(same(ModelFile{}, read_model_file(folder / "model.h5")));
}

TEST(ModelFile, RoundTripOfSeveralChunks) {
    const ScratchFolder folder;
    Random random(3);
    ModelFile model;
    // Cut along the first, the second and the third axis, with remainders; and too many values for one chunk.
    model.layers = {{"large", "test", Json::object(), {}}};
    int number = 0;
    for (const Shape& shape :
         {Shape{1009, 1031}, Shape{2, 700'001}, Shape{1, 3, 400'003}, Shape{900'001}, Shape{7, 300, 601}})
        model.layers[0].tensors.push_back({"t" + std::to_string(number++), random_tensor(random, shape)});
    write_model_file(folder / "model.h5", model);
    EXPECT_TRUE(same(model, read_model_file(folder / "model.h5")));
}

TEST(ModelFile, RoundTripOfLongTexts) {
    const ScratchFolder folder;
    ModelFile model = sample_model();
    model.config["notes"] = std::string(300'000, 'x');  // more than fits into an object header
    model.layers[0].name = std::string(255, 'n');
    write_model_file(folder / "model.h5", model);
    EXPECT_TRUE(same(model, read_model_file(folder / "model.h5")));
}

TEST(ModelFile, ManyLayersKeepTheirOrder) {
    const ScratchFolder folder;
    ModelFile model;
    for (int i = 0; i < 1100; ++i)
        model.layers.push_back(
            {"l" + std::to_string(i), "dense", Json::object(), {{"w", {Shape{1}, {float(i)}}}}});
    write_model_file(folder / "model.h5", model);
    EXPECT_TRUE(same(model, read_model_file(folder / "model.h5")));
}

/// More headers than HDF5 holds in its cache unless told otherwise; and once with, once without an index of
/// them.
TEST(ModelFile, HeadersOfManyLayersAreAllThere) {
    const ScratchFolder folder;
    for (const std::size_t count : {std::size_t{1000}, std::size_t{6000}}) {
        ModelFile model;
        for (std::size_t i = 0; i < count; ++i)
            model.layers.push_back({"layer" + std::to_string(i),
                                    "dense",
                                    {{"text", std::string(300, 'x')}},
                                    {{"weight", {Shape{2}, {1, static_cast<float>(i)}}}}});
        write_model_file(folder / "many.h5", model);
        EXPECT_TRUE(same(model, read_model_file(folder / "many.h5"))) << count;
    }
}

TEST(ModelFile, ReplacesAndLeavesNoTemporary) {
    const ScratchFolder folder;
    ModelFile model = sample_model();
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        model.seed = seed;
        write_model_file(folder / "model.h5", model);
        EXPECT_EQ(read_model_file(folder / "model.h5").seed, seed);
    }
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(ModelFile, WhatCannotBeWrittenIsNamed) {
    const ScratchFolder folder;
    write_model_file(folder / "model.h5", sample_model());
    const std::string before = file_bytes(folder / "model.h5");
    const auto why = [&](auto change) {
        ModelFile model = sample_model();
        change(model);
        try {
            write_model_file(folder / "model.h5", model);
        } catch (const Error& error) {
            EXPECT_NE(error.subject().find("model.h5"), std::string::npos);
            return error.why();
        }
        return std::string("written");
    };
    EXPECT_NE(why([](ModelFile& m) { m.history.loss.pop_back(); }).find("unequal"), std::string::npos);
    EXPECT_NE(why([](ModelFile& m) { m.layers[0].tensors[0].name = "a/b"; }).find("name"), std::string::npos);
    EXPECT_NE(why([](ModelFile& m) { m.layers[0].tensors[0].name = ""; }).find("name"), std::string::npos);
    EXPECT_NE(why([](ModelFile& m) { m.layers[0].tensors[1].name = "weight"; }), "written");
    EXPECT_NE(why([](ModelFile& m) { m.layers[0].tensors[0].tensor.values.pop_back(); }).find("shape"),
              std::string::npos);
    EXPECT_NE(why([](ModelFile& m) { m.dataset.push_back('\0'); }).find("zero byte"), std::string::npos);
    EXPECT_NE(why([](ModelFile& m) { m.config["text"] = "\xff"; }).find("configuration"), std::string::npos);
    EXPECT_EQ(file_bytes(folder / "model.h5"), before);
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(ModelFile, NotANumberInMetricsIsNull) {
    const ScratchFolder folder;
    ModelFile model;
    model.metrics["test_loss"] = std::nan("");
    write_model_file(folder / "model.h5", model);
    EXPECT_TRUE(read_model_file(folder / "model.h5").metrics["test_loss"].is_null());
}

TEST(ModelFile, FullDiskIsAnErrorAndKeepsThePreviousFile) {
    const ScratchFolder folder;
    write_model_file(folder / "model.h5", sample_model());
    const std::string before = file_bytes(folder / "model.h5");
    rlimit previous{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &previous), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    // A limit on the size of files stands for a disk with 4 KB left.
    const rlimit small{4096, previous.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_THROW(write_model_file(folder / "model.h5", sample_model()), Error);
    EXPECT_THROW(write_model_file(folder / "new.h5", sample_model()), Error);
    setrlimit(RLIMIT_FSIZE, &previous);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(file_bytes(folder / "model.h5"), before);
    EXPECT_EQ(entries(folder.path()), 1U);
    write_model_file(folder / "model.h5", sample_model());
}

TEST(ModelFile, BadTargets) {
    const ScratchFolder folder;
    const auto error = [](const fs::path& path) {
        try {
            write_model_file(path, sample_model());
        } catch (const Error& failure) {
            EXPECT_EQ(failure.subject(), path.string());
            return failure.why();
        }
        return std::string("written");
    };
    EXPECT_NE(error("/dev/full").find("not a regular file"), std::string::npos);
    EXPECT_NE(error(folder / "none/model.h5").find("none"), std::string::npos);
    EXPECT_NE(error(folder.path()).find("folder"), std::string::npos);
    EXPECT_NE(error("/proc/model.h5"), "written");  // even root cannot write here
    if (geteuid() != 0) {
        fs::create_directory(folder / "locked");
        fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
        EXPECT_NE(error(folder / "locked/model.h5").find("ermission"), std::string::npos);
    }
}

TEST(ModelFile, PlainH5pyReadsIt) {
    const std::string python = python_with_h5py();
    if (python.empty()) GTEST_SKIP() << "no Python with h5py; set SPECTRAL_PYTHON to one";
    const ScratchFolder folder;
    const ModelFile model = sample_model();
    write_model_file(folder / "model.h5", model);
    const fs::path script = fs::path(__FILE__).parent_path() / "read_with_h5py.py";
    const std::string output = output_of(python, {script, folder / "model.h5"});
    const Json seen = Json::parse(output);
    EXPECT_EQ(seen["config"], model.config);
    ASSERT_EQ(seen["layers"].size(), model.layers.size());
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const LayerRecord& layer = model.layers[l];
        EXPECT_EQ(seen["layers"][l]["name"], layer.name);
        ASSERT_EQ(seen["layers"][l]["tensors"].size(), layer.tensors.size());
        for (std::size_t t = 0; t < layer.tensors.size(); ++t) {
            const Json& tensor = seen["layers"][l]["tensors"][t];
            const auto extents = layer.tensors[t].tensor.shape.extents();
            EXPECT_EQ(tensor["name"], layer.tensors[t].name);
            EXPECT_EQ(tensor["shape"], Json(std::vector<std::int64_t>(extents.begin(), extents.end())));
            EXPECT_EQ(tensor["sha256"], sha256(std::as_bytes(std::span(layer.tensors[t].tensor.values))));
            EXPECT_EQ(tensor["stored_sha256"], tensor["sha256"]);
        }
    }
}

}  // namespace
}  // namespace spectral::test

// CIFAR-10's binary batches, written by hand.
#include "engine/data/cifar.hpp"

#include <gtest/gtest.h>

#include "engine/data/colour.hpp"
#include "tests/engine/sample_model.hpp"
#include "tests/engine/wav_files.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

std::string record(int label, int seed) {
    std::string bytes(3073, static_cast<char>(label));
    for (int i = 0; i < 3072; ++i) bytes[static_cast<std::size_t>(i) + 1] = static_cast<char>(seed + i * 7);
    return bytes;
}

class Cifar : public testing::Test {
protected:
    void SetUp() override {
        for (int batch = 1; batch <= 5; ++batch)
            members_.push_back({"batches/data_batch_" + std::to_string(batch) + ".bin",
                                record(batch, batch) + record(9 - batch, 50 + batch)});
        members_.push_back({"batches/test_batch.bin", record(3, 200)});
        members_.push_back({"batches/readme.html", "passed over"});
    }
    Dataset load(const Json& options = Json::object(), MemoryBudget* budget = nullptr) const {
        put_bytes(folder_ / "cifar.tar", tar(members_));
        DatasetRequest request;
        request.path = (folder_ / "cifar.tar").string();
        request.options = options;
        request.budget = budget;
        return load_dataset("cifar10", request);
    }
    void expect_refused(const std::string& part) const {
        const std::string why = failure([&] { load(); });
        EXPECT_NE(why.find(part), std::string::npos) << why;
    }

    ScratchFolder folder_;
    std::vector<std::pair<std::string, std::string>> members_;
};

TEST_F(Cifar, IsReadInOrder) {
    MemoryBudget budget;
    const Dataset set = load({}, &budget);
    EXPECT_EQ(set.train.labels, (std::vector<std::int32_t>{1, 8, 2, 7, 3, 6, 4, 5, 5, 4}));
    EXPECT_EQ(set.test.labels, std::vector<std::int32_t>{3});
    EXPECT_EQ(set.classes(), 10);
    EXPECT_EQ(set.train.shape.rank, 3);
    const auto& pixels = std::get<std::vector<std::uint8_t>>(set.train.values);
    ASSERT_EQ(pixels.size(), 10U * 3072);
    for (std::size_t i = 0; i < 3072; ++i) {
        EXPECT_EQ(pixels[i], static_cast<std::uint8_t>(1 + i * 7));
        EXPECT_EQ(pixels[9 * 3072 + i], static_cast<std::uint8_t>(55 + i * 7));
    }
    EXPECT_EQ(budget.usage(MemoryTag::data).current, 11U * (3072 + 4));
    const Dataset grey = load({{"colour", "grey"}});
    EXPECT_EQ(grey.train.shape.rank, 2);
    const auto& test = std::get<std::vector<std::uint8_t>>(grey.test.values);
    ASSERT_EQ(test.size(), 1024U);
    for (std::size_t i = 0; i < 1024; ++i) {
        const auto plane = [&](std::size_t p) { return static_cast<std::uint8_t>(200 + (p * 1024 + i) * 7); };
        EXPECT_NEAR(test[i], 0.299 * plane(0) + 0.587 * plane(1) + 0.114 * plane(2), 0.501);
    }
    EXPECT_EQ(luma(255, 255, 255), 255);
}

TEST_F(Cifar, WhatIsWrongIsNamed) {
    auto& [name, bytes] = members_[2];
    const std::string sound = bytes;
    bytes = sound.substr(1);
    expect_refused("batches/data_batch_3.bin: has 6145 bytes");
    bytes.clear();
    expect_refused("batches/data_batch_3.bin: has 0 bytes");
    bytes = sound;
    bytes[3073] = 10;
    expect_refused("batches/data_batch_3.bin: record 1 has the label 10");
    bytes = sound;
    name = "batches/data_batch_6.bin";
    expect_refused("cifar.tar: holds no data_batch_3.bin");
    name = "other/data_batch_2.bin";
    expect_refused("data_batch_2.bin: is there twice");
}

}  // namespace
}  // namespace spectral::test

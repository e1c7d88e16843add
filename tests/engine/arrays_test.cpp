// What arrays of other programs take from the memory budget: what is kept, and nothing besides.
#include "engine/data/arrays.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "engine/core/files.hpp"
#include "engine/data/dataset.hpp"
#include "engine/io/hdf5.hpp"
#include "engine/io/npy.hpp"
#include "tests/engine/sample_model.hpp"

namespace spectral::test {
namespace {

constexpr std::size_t kRows = 200, kColumns = 5, kCount = kRows * kColumns;

template <class T>
std::vector<T> counted(std::size_t count, std::size_t end) {
    std::vector<T> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(i % end);
    return values;
}

template <class T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values,
                bool by_columns = false) {
    const std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", descr,
                                           by_columns ? "True" : "False", shape);
    std::string text =
        std::string(kNpyMagic) + '\x01' + '\0' + static_cast<char>(header.size()) + '\0' + header;
    const auto bytes = std::as_bytes(std::span(values));
    return text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Loads with its own test set, the same as the training set, so that nothing is split.
Dataset load(const std::string& kind, const fs::path& path, MemoryBudget& budget) {
    DatasetRequest request;
    request.path = path.string();
    request.options = {{"test_features", "x_train"}, {"test_labels", "y_train"}};
    request.budget = &budget;
    return load_dataset(kind, request);
}

void expect_counted(const std::string& kind, const fs::path& path, std::size_t value_bytes,
                    std::size_t largest_passing) {
    MemoryBudget budget;
    const std::size_t kept = kCount * value_bytes + kRows * sizeof(std::int32_t);
    {
        const Dataset set = load(kind, path, budget);
        EXPECT_EQ(set.train.reservation.bytes(), kept);
        EXPECT_EQ(budget.usage(MemoryTag::data).current, 2 * kept);
        EXPECT_EQ(budget.usage(MemoryTag::workspace).current, 0U);
        EXPECT_EQ(budget.usage(MemoryTag::workspace).peak, largest_passing);
        const std::size_t peak = budget.total().peak;
        MemoryBudget enough(peak), small(peak - 1);
        EXPECT_NO_THROW(load(kind, path, enough));
        EXPECT_THROW(load(kind, path, small), OutOfMemory);
        EXPECT_EQ(small.total().current, 0U);
    }
    EXPECT_EQ(budget.total().current, 0U);
}

TEST(Arrays, CountWhatTheyKeepOfNumpyFiles) {
    const ScratchFolder folder;
    const std::string shape = fmt::format("({}, {})", kRows, kColumns);
    put_bytes(folder / "y_train.npy",
              npy("|u1", fmt::format("({},)", kRows), counted<std::uint8_t>(kRows, 3)));
    const auto expect = [&](const std::string& contents, std::size_t value_bytes, std::size_t passing) {
        put_bytes(folder / "x_train.npy", contents);
        expect_counted("npy", folder / ".", value_bytes, passing);
    };
    expect(npy("|u1", shape, counted<std::uint8_t>(kCount, 256)), 1, 0);
    expect(npy("<f4", shape, counted<float>(kCount, 1000)), 4, 0);
    expect(npy("<f8", shape, counted<double>(kCount, 1000)), 4, 0);
    expect(npy("<f2", shape, counted<std::uint16_t>(kCount, 1000)), 4, 0);
    expect(npy("<i2", shape, counted<std::int16_t>(kCount, 1000)), 4, 0);
    expect(npy("<f4", shape, counted<float>(kCount, 1000), true), 4, kCount * 4);
}

TEST(Arrays, AreReadInBlocksOfAnyRemainder) {
    const ScratchFolder folder;
    for (const std::size_t count :
         {std::size_t{32767}, std::size_t{32768}, std::size_t{32769}, std::size_t{70000}}) {
        auto values = counted<std::int16_t>(count, 30000);
        for (std::size_t i = 0; i < count; i += 2) values[i] = static_cast<std::int16_t>(-values[i]);
        put_bytes(folder / "x_train.npy", npy("<i2", fmt::format("({},)", count), values));
        put_bytes(folder / "y_train.npy",
                  npy("|u1", fmt::format("({},)", count), counted<std::uint8_t>(count, 2)));
        MemoryBudget budget;
        const Dataset set = load("npy", folder / ".", budget);
        EXPECT_EQ(std::get<std::vector<float>>(set.train.values),
                  std::vector<float>(values.begin(), values.end()));
    }
}

TEST(Arrays, CountWhatTheyKeepOfHdf5) {
    const ScratchFolder folder;
    const std::vector<std::int64_t> labels = counted<std::int64_t>(kRows, 3);
    const auto expect = [&](hdf5::Element element, std::span<const std::byte> values, std::size_t value_bytes,
                            std::size_t passing) {
        hdf5::FileImage image;
        const std::array<std::int64_t, 2> extents{kRows, kColumns};
        hdf5::link(image.root(), "x_train", hdf5::write_dataset(image.root(), element, extents, values));
        hdf5::link(image.root(), "y_train", hdf5::write_list(image.root(), labels));
        replace_file(folder / "set.h5", image.finish());
        expect_counted("hdf5", folder / "set.h5", value_bytes, passing);
    };
    const auto bytes = [](const auto& values) { return std::as_bytes(std::span(values)); };
    const auto u8 = counted<std::uint8_t>(kCount, 256);
    const auto f32 = counted<float>(kCount, 1000);
    const auto f64 = counted<double>(kCount, 1000);
    const auto i16 = counted<std::int16_t>(kCount, 1000);
    expect(hdf5::Element::u8, bytes(u8), 1, 0);
    expect(hdf5::Element::f32, bytes(f32), 4, 0);
    expect(hdf5::Element::f64, bytes(f64), 4, kCount * 8);
    expect(hdf5::Element::i16, bytes(i16), 4, kCount * 2);
}

TEST(Arrays, OneOptionWithoutTheOtherIsNamed) {
    DatasetRequest request;
    request.path = "nowhere";
    request.options = {{"test_features", ""}, {"test_labels", "y"}};
    try {
        load_dataset("npy", request);
        FAIL();
    } catch (const BadValue& error) {
        EXPECT_EQ(error.field(), "test_features");
    }
}

}  // namespace
}  // namespace spectral::test

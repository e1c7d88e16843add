// Orders of rows and columns: their bytes, hostile ones, and finding smooth ones.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/compress/matrix_order.hpp"
#include "engine/compress/seriation.hpp"
#include "tests/engine/compress/mixed_order.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

TEST(Permutation, BytesGiveItBackInAsFewAsHoldIt) {
    for (const auto& [count, width] :
         {std::pair{0, 1}, {1, 1}, {2, 1}, {7, 1}, {256, 1}, {257, 2}, {784, 2}, {65'536, 2}, {65'537, 4}}) {
        SCOPED_TRACE(count);
        const std::vector<std::uint32_t> order =
            count > 0 ? mixed_permutation(count) : std::vector<std::uint32_t>{};
        const std::vector<std::byte> bytes = encode_permutation(order);
        EXPECT_EQ(std::ssize(bytes), count * width);
        EXPECT_EQ((MatrixOrder{order, order}.bytes()), 2 * bytes.size());
        EXPECT_EQ(decode_permutation(bytes, count), order);
        const std::vector<std::uint32_t> back = inverse_permutation(order);
        for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(back[order[i]], i);
    }
}

TEST(Permutation, RefusesWhatIsNone) {
    const auto refused = [](const std::vector<unsigned>& values, std::int64_t count) {
        std::vector<std::byte> bytes;
        for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
        return failure([&] { decode_permutation(bytes, count); });
    };
    EXPECT_EQ(refused({1, 2, 0}, 3), "nothing was thrown");
    EXPECT_EQ(refused({1, 2, 1}, 3), "order: it does not name each of 3 once");
    EXPECT_EQ(refused({1, 2, 3}, 3), "order: it does not name each of 3 once");
    for (const std::int64_t count :
         {std::int64_t{-3}, std::int64_t{2}, std::int64_t{4}, std::int64_t{1} << 62})
        EXPECT_NE(refused({1, 2, 0}, count).find("3 bytes are not as many as"), std::string::npos) << count;
}

TEST(MatrixOrders, MustNameEveryRowAndColumnOnce) {
    const Shape shape{3, 2, 2};
    require_fits({}, Shape{});
    require_fits(mixed_order(shape), shape);
    EXPECT_EQ(failure([&] {
                  require_fits({{0, 1}, {}}, shape);
              }),
              "tensor of 3 × 2 × 2: the order of its 3 rows does not name each once");
    EXPECT_EQ(failure([&] {
                  require_fits({{}, {0, 1, 2, 2}}, shape);
              }),
              "tensor of 3 × 2 × 2: the order of its 4 columns does not name each once");
}

HostTensor smooth(std::int64_t rows, std::int64_t columns) {
    HostTensor tensor{Shape{rows, columns}, {}};
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) {
            const double y = static_cast<double>(r) / static_cast<double>(rows),
                         x = static_cast<double>(c) / static_cast<double>(columns);
            tensor.values.push_back(static_cast<float>(std::sin(3 * y + x) + std::cos(2 * x * y)));
        }
    return tensor;
}

MatrixOrder find_order(const HostTensor& dense, OrderSides sides) {
    MemoryBudget budget;
    return spectral::find_order(dense, sides, budget, {});
}

HostTensor reordered(const HostTensor& tensor, const MatrixOrder& order) {
    HostTensor result = tensor;
    const std::int64_t columns = tensor.shape.size() / tensor.shape[0];
    for (std::size_t i = 0; i < result.values.size(); ++i)
        result.values[i] = tensor.values[tensor_place(order, static_cast<std::int64_t>(i), columns)];
    return result;
}

/// Σ‖rᵢ − rᵢ₊₁‖² over rows and over columns.
double roughness(const HostTensor& matrix) {
    const std::int64_t rows = matrix.shape[0], columns = matrix.shape[1];
    const auto at = [&](std::int64_t r, std::int64_t c) {
        return static_cast<double>(matrix.values[static_cast<std::size_t>(r * columns + c)]);
    };
    double sum = 0;
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) {
            if (r > 0) sum += std::pow(at(r, c) - at(r - 1, c), 2);
            if (c > 0) sum += std::pow(at(r, c) - at(r, c - 1), 2);
        }
    return sum;
}

TEST(Seriation, FindsASmoothOrderAgain) {
    const HostTensor before = smooth(61, 40);
    const HostTensor mixed = reordered(before, mixed_order(before.shape));
    ASSERT_GT(roughness(mixed), 50 * roughness(before));
    const MatrixOrder found = find_order(mixed, {true, true});
    require_fits(found, mixed.shape);
    EXPECT_LT(roughness(reordered(mixed, found)), 1.2 * roughness(before));
    EXPECT_EQ(find_order(mixed, {true, true}), found);

    const MatrixOrder rows = find_order(mixed, {true, false});
    EXPECT_EQ(rows.rows, found.rows);
    EXPECT_TRUE(rows.columns.empty());
}

TEST(Seriation, LeavesWhatIsSmoothOrTooLongOrTooSmall) {
    EXPECT_TRUE(find_order(smooth(61, 40), {true, true}).empty());
    EXPECT_TRUE(find_order({Shape{7}, normal_values(7, 1)}, {true, true}).empty());
    EXPECT_TRUE(find_order({Shape{0, 3}, {}}, {true, true}).empty());
    EXPECT_TRUE(find_order({Shape{2, 2}, normal_values(4, 1)}, {true, true}).empty());
    EXPECT_TRUE(find_order({Shape{6, 8}, std::vector<float>(48, 0.0F)}, {true, true}).empty());
    const MatrixOrder one_side = find_order({Shape{2000, 5}, normal_values(10'000, 1)}, {true, true});
    EXPECT_TRUE(one_side.rows.empty());
    EXPECT_FALSE(one_side.columns.empty());
}

TEST(Seriation, CountsItsMemoryAndIsCancelled) {
    const HostTensor noise{Shape{64, 2000}, normal_values(128'000, 2)};
    MemoryBudget budget;
    EXPECT_THROW(spectral::find_order(noise, {true, false}, budget,
                                      [](std::string_view, double done) { return done < 0.5; }),
                 Cancelled);
    budget.set_limit(64 * 64 * sizeof(double));
    EXPECT_THROW(spectral::find_order(noise, {true, false}, budget, {}), OutOfMemory);
    EXPECT_TRUE(spectral::find_order(noise, {false, true}, budget, {}).empty())
        << "too long, and never begun";
}

TEST(Seriation, OrdersTheMatrixOfFirstAxisAndOthers) {
    const HostTensor noise{Shape{6, 3, 4}, normal_values(72, 2)};
    const MatrixOrder order = find_order(noise, {true, true});
    require_fits(order, noise.shape);
    EXPECT_EQ(order, find_order({Shape{6, 12}, noise.values}, {true, true}));
}

}  // namespace
}  // namespace spectral::test

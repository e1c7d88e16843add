// Values made on demand against the whole tensor: boxes, products in blocks of every size, gradients.
#include "engine/compress/implicit_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/compress/method.hpp"
#include "tests/engine/compress/mixed_order.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

struct Case {
    std::string name, method;
    Shape shape;
    BasisChoice basis;  ///< view and axes
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

std::vector<Case> cases() {
    std::vector<Case> all;
    const auto add = [&](const std::string& method, const Shape& shape, Shape view, std::vector<int> axes) {
        BasisChoice choice;
        choice.view = view;
        choice.axes = std::move(axes);
        std::string name = method + "_" + std::to_string(all.size());
        std::ranges::replace(name, '-', '_');
        all.push_back({name, method, shape, choice});
    };
    for (const std::string method : {"fft", "dct"}) {
        for (const Shape& shape : {Shape{1}, Shape{37}, Shape{64, 1}, Shape{1, 9}, Shape{97, 12},
                                   Shape{64, 37}, Shape{65, 4, 3, 5}})
            add(method, shape, {}, {});
        add(method, {97, 12}, {}, {0});
        add(method, {64, 12}, {}, {0});
        add(method, {97, 12}, {}, {1});
        add(method, {65, 4, 5}, {}, {0, 1});
        add(method, {65, 4, 5}, {}, {0, 2});
        add(method, {65, 4, 5}, {}, {1, 2});
        add(method, {65, 64}, {65, 8, 8}, {});  // images along the inputs
        add(method, {64, 13}, {8, 8, 13}, {});  // and along the outputs: eight rows a slice
        add(method, {64, 13}, {8, 8, 13}, {0, 1});
        add(method, {12, 35}, {420}, {});  // no slice is a row
        add(method, {6, 35}, {14, 15}, {1});
        for (const auto& [shape, axes] : {std::pair{Shape{97, 12}, std::vector<int>{}},
                                          {Shape{64, 12}, {1}},
                                          {Shape{65, 4, 5}, {0, 2}}}) {
            add(method, shape, {}, axes);
            all.back().basis.order = mixed_order(shape);
            add(method, shape, {}, axes);
            all.back().basis.order.columns = mixed_order(shape).columns;
        }
    }
    for (const std::string method : {"magnitude", "svd", "int4", "fft-box", "block-fft"})
        for (const Shape& shape : {Shape{97, 12}, Shape{70, 6, 9}}) add(method, shape, {}, {});
    return all;
}

class ImplicitWeightsOf : public testing::TestWithParam<Case> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    const Case& case_ = GetParam();
    PackedTensor packed_ = [this] {
        PackOptions options;
        if (!(case_.basis == BasisChoice{})) options.basis = case_.basis;
        const auto packer =
            find_method(case_.method)
                .prepare(device_, {case_.shape, normal_values(case_.shape.size(), 3)}, options);
        return packer->pack(packer->step_at(0.3));
    }();
    HostTensor dense_ = unpack(device_, packed_);
    ImplicitWeights weights_{device_, packed_};
    std::int64_t rows_ = weights_.rows(), columns_ = weights_.columns();

    double w(std::int64_t r, std::int64_t c) const {
        return dense_.values[static_cast<std::size_t>(r * columns_ + c)];
    }
    std::vector<std::int64_t> block_sizes() const { return {1, 7, 64, rows_}; }
};

constexpr std::int64_t kBatch = 3;

TEST_P(ImplicitWeightsOf, ProductsDoNotDependOnTheBlocks) {
    const std::vector<float> x = normal_values(kBatch * columns_, 5), dy = normal_values(kBatch * rows_, 6);
    std::vector<double> y, dx(static_cast<std::size_t>(kBatch * columns_));
    for (std::int64_t b = 0; b < kBatch; ++b)
        for (std::int64_t r = 0; r < rows_; ++r) {
            double sum = 0;
            for (std::int64_t c = 0; c < columns_; ++c) {
                sum += w(r, c) * static_cast<double>(x[static_cast<std::size_t>(b * columns_ + c)]);
                dx[static_cast<std::size_t>(b * columns_ + c)] +=
                    w(r, c) * static_cast<double>(dy[static_cast<std::size_t>(b * rows_ + r)]);
            }
            y.push_back(sum);
        }
    Array<float> input(*backend_, std::span<const float>(x)), gradient(*backend_, std::span<const float>(dy));
    for (const std::int64_t block : block_sizes()) {
        SCOPED_TRACE(block);
        Array<float> out(*backend_, kBatch * rows_), back(*backend_, kBatch * columns_);
        weights_.multiply(kBatch, input.data(), out.data(), block);
        weights_.multiply_transposed(kBatch, gradient.data(), back.data(), block);
        EXPECT_LE(relative_energy_error(out.host(), y), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(back.host(), dx), kEnergyTolerance);
    }
}

TEST_P(ImplicitWeightsOf, BoxesAreThoseOfTheTensor) {
    const Shape& shape = case_.shape;
    struct Share {
        double from, to;
    };
    // Of the first axis and of all others: all, parts, none; then a row and a column.
    for (const auto& [rows, others] : {std::pair<Share, Share>{{0, 1}, {0, 1}},
                                       {{0.3, 0.8}, {0.3, 0.8}},
                                       {{0.9, 1}, {0.9, 1}},
                                       {{0.5, 0.5}, {0.5, 0.5}},
                                       {{0.6, 0.61}, {0, 1}},
                                       {{0, 1}, {0.6, 0.61}}}) {
        std::vector<AxisRange> ranges;
        for (int axis = 0; axis < shape.rank(); ++axis) {
            const auto [from, to] = axis == 0 ? rows : others;
            const auto extent = static_cast<double>(shape[axis]);
            const auto first = static_cast<std::int64_t>(from * extent);
            const auto last = static_cast<std::int64_t>(to > from ? std::ceil(to * extent) : to * extent);
            ranges.push_back({first, last - first});
        }
        const HostTensor box = weights_.box(ranges);
        std::vector<double> expected;
        for (std::int64_t i = 0; i < shape.size(); ++i) {
            std::int64_t rest = i;
            bool inside = true;
            for (int axis = shape.rank() - 1; axis >= 0; --axis) {
                const auto [first, count] = ranges[static_cast<std::size_t>(axis)];
                inside = inside && rest % shape[axis] >= first && rest % shape[axis] < first + count;
                rest /= shape[axis];
            }
            if (inside) expected.push_back(static_cast<double>(dense_.values[static_cast<std::size_t>(i)]));
        }
        ASSERT_EQ(box.shape.size(), std::ssize(expected));
        EXPECT_LE(relative_energy_error(box.values, expected), kEnergyTolerance);
    }
}

TEST_P(ImplicitWeightsOf, SumsAreTheValuesOfTheTensorWhereTheyCross) {
    if (packed_.rank > 0 || !packed_.basis.order.empty()) GTEST_SKIP() << "is no list of coefficients of it";
    const Basis basis(packed_.shape, packed_.basis);
    const Shape& view = basis.choice().view.rank() > 0 ? basis.choice().view : basis.shape();
    const std::vector<std::uint32_t> places = kept_indices(packed_.lists.front(), basis);
    const std::vector<float> numbers = kept_numbers(packed_.lists.front(), basis);
    for (const int most : {1, 3, 1000}) {
        SCOPED_TRACE(most);
        // The last of every axis, then some before it: not ascending, and never all but of the shortest.
        Crossings wanted;
        std::int64_t size = 1;
        for (int axis = 0; axis < view.rank(); ++axis) {
            wanted.emplace_back();
            for (std::int64_t i = view[axis] - 1; i >= 0 && std::ssize(wanted.back()) < most + axis;
                 i -= 1 + axis)
                wanted.back().push_back(i);
            size *= std::ssize(wanted.back());
        }
        const std::vector<float> values = direct_sum(basis, places, numbers, wanted);
        ASSERT_EQ(std::ssize(values), size);
        std::vector<double> expected;
        for (std::int64_t i = 0; i < size; ++i) {
            std::int64_t rest = i, place = 0, step = 1;
            for (int axis = view.rank() - 1; axis >= 0; --axis) {
                const auto& list = wanted[static_cast<std::size_t>(axis)];
                place += step * list[static_cast<std::size_t>(rest % std::ssize(list))];
                rest /= std::ssize(list);
                step *= view[axis];
            }
            expected.push_back(static_cast<double>(dense_.values[static_cast<std::size_t>(place)]));
        }
        EXPECT_LE(relative_energy_error(values, expected), kEnergyTolerance);
    }
}

TEST_P(ImplicitWeightsOf, WorkFitsWhereItIsSaidTo) {
    const std::size_t held = budget_.snapshot().total.current;
    for (const std::int64_t block : block_sizes()) {
        const std::size_t work = weights_.work_bytes(block);
        EXPECT_GE(weights_.rows_within(work), std::min(block, rows_));
        Array<float> input(*backend_, columns_), out(*backend_, rows_);
        budget_.set_limit(held + work + weights_.reorder_bytes(1));
        weights_.multiply(1, input.data(), out.data(), block);
        budget_.set_limit(MemoryBudget::kUnlimited);
    }
}

TEST_P(ImplicitWeightsOf, GradientsAreThoseOfTheProduct) {
    if (!weights_.is_trainable()) GTEST_SKIP() << "has two factors";
    const std::vector<float> x = normal_values(kBatch * columns_, 5), dy = normal_values(kBatch * rows_, 6);
    Array<float> input(*backend_, std::span<const float>(x)), gradient(*backend_, std::span<const float>(dy));
    // The product is linear in the numbers: its value at others is what the gradient says.
    HostTensor others{weights_.numbers().shape(), normal_values(weights_.numbers().size(), 8)};
    const auto kept = others.values.size() - static_cast<std::size_t>(weights_.numbers().shape()[1]);
    std::fill(others.values.begin() + static_cast<std::ptrdiff_t>(kept), others.values.end(), 0.0F);
    backend_->copy_to_device(weights_.numbers().data(), others.values.data(), weights_.numbers().bytes());
    Array<float> out(*backend_, kBatch * rows_), d_numbers(*backend_, std::ssize(others.values));
    weights_.multiply(kBatch, input.data(), out.data(), 16);
    double value = 0, size = 0;
    const std::vector<float> y = out.host();
    for (std::size_t i = 0; i < y.size(); ++i) {
        value += static_cast<double>(y[i]) * static_cast<double>(dy[i]);
        size += std::abs(static_cast<double>(y[i]) * static_cast<double>(dy[i]));
    }
    for (const std::int64_t block : block_sizes()) {
        weights_.gradient(kBatch, input.data(), gradient.data(), d_numbers.data(), block);
        const std::vector<float> by = d_numbers.host();
        double sum = 0;
        for (std::size_t i = 0; i < by.size(); ++i)
            sum += static_cast<double>(by[i]) * static_cast<double>(others.values[i]);
        EXPECT_NEAR(sum, value, 1e-5 * size);
    }
}

INSTANTIATE_TEST_SUITE_P(All, ImplicitWeightsOf, testing::ValuesIn(cases()),
                         [](const auto& instance) { return instance.param.name; });

/// 4 GiB if it were dense; neither a column nor a corner makes whole rows.
TEST(ImplicitWeights, NarrowBoxesOfAHugeTensorTakeLittle) {
    constexpr std::int64_t kSide = 32'768, kHalf = kSide / 2 + 1;
    const auto backend = open_tested(1);
    MemoryBudget budget;
    const Device device{*backend, budget};
    PackedTensor tensor;
    tensor.shape = Shape{kSide, kSide};
    tensor.basis.kind = BasisKind::fft;
    PackedList& list = tensor.lists.emplace_back();
    list.support = Support::listed;
    list.value_coding = ValueCoding::f32;
    std::vector<std::uint32_t> indices;  // none of them in a column of pairs that are both there
    for (std::uint32_t i = 0; i < 300; ++i) indices.push_back(i * 1'750'007U + 1U + (i * 31U) % 1000U);
    for (std::uint32_t& i : indices)
        if (i % kHalf == 0 || i % kHalf == kHalf - 1) ++i;
    list.count = std::ssize(indices);
    list.indices = encode_indices(list.index_coding, indices, kSide * kHalf);
    const std::vector<float> numbers = normal_values(2 * list.count, 4);
    list.values = encode_values(ValueCoding::f32, numbers).bytes;
    const ImplicitWeights weights(device, tensor);
    budget.set_limit(budget.snapshot().total.current + (std::size_t{16} << 20));

    const auto value = [&](std::int64_t row, std::int64_t column) {
        double sum = 0;
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const std::int64_t turns = (indices[i] / kHalf * row + indices[i] % kHalf * column) % kSide;
            const double angle = 2 * std::numbers::pi * static_cast<double>(turns) / kSide;
            sum += 2 * (static_cast<double>(numbers[2 * i]) * std::cos(angle) -
                        static_cast<double>(numbers[2 * i + 1]) * std::sin(angle));
        }
        return sum / kSide;
    };
    const HostTensor column = weights.box(std::array<AxisRange, 2>{AxisRange{0, kSide}, {777, 1}});
    for (const std::int64_t row : {0, 1, 12'345, 32'767})
        EXPECT_NEAR(column.values[static_cast<std::size_t>(row)], value(row, 777), 1e-7);
    const HostTensor corner = weights.box(std::array<AxisRange, 2>{AxisRange{kSide - 3, 3}, {kSide - 2, 2}});
    for (std::int64_t i = 0; i < 6; ++i)
        EXPECT_NEAR(corner.values[static_cast<std::size_t>(i)], value(kSide - 3 + i / 2, kSide - 2 + i % 2),
                    1e-7);
}

TEST(ImplicitWeights, RefuseABoxOutside) {
    const auto backend = open_tested(1);
    MemoryBudget budget;
    const Device device{*backend, budget};
    const auto packer = find_method("fft").prepare(device, {Shape{4, 6}, normal_values(24, 1)});
    const ImplicitWeights weights(device, packer->pack(3));
    for (const AxisRange& range : {AxisRange{-1, 2}, {3, 4}, {0, -1}, {5, INT64_MAX}}) {
        const std::array<AxisRange, 2> ranges{AxisRange{0, 4}, range};
        EXPECT_THROW(weights.box(ranges), Error);
    }
    EXPECT_THROW(weights.box(std::array<AxisRange, 1>{AxisRange{0, 1}}), Error);
}

}  // namespace
}  // namespace spectral::test

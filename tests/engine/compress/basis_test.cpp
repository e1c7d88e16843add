// Bases: coefficients against double-precision definitions, and back, on every backend.
#include "engine/compress/basis.hpp"

#include <gtest/gtest.h>

#include "tests/engine/compress/mixed_order.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

const std::vector<Shape> kShapes{Shape{1},
                                 Shape{7},
                                 Shape{64},
                                 Shape{1, 1},
                                 Shape{5, 9},
                                 Shape{12, 64},
                                 Shape{97, 2},
                                 Shape{3, 4, 5},
                                 Shape{2, 3, 5, 4},
                                 Shape{1, 2, 1, 3, 2},
                                 Shape{2, 1, 2, 3, 1, 2, 1, 2}};

class Bases : public testing::TestWithParam<Shape> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    Shape shape_ = GetParam();
    HostTensor dense_{shape_, normal_values(shape_.size(), 5)};

    static std::vector<BasisChoice> choices(const Shape& shape) {
        std::vector<BasisChoice> all;
        for (const BasisKind kind : {BasisKind::identity, BasisKind::fft, BasisKind::dct, BasisKind::random})
            for (const BasisChoice& choice : sensible_choices(shape, kind)) all.push_back(choice);
        all.push_back(tiled_choice(shape, BasisKind::fft, 4));
        all.push_back(tiled_choice(shape, BasisKind::dct, 4));
        for (std::size_t i = 0, plain = all.size(); i < plain; ++i) {
            all.push_back(all[i]);
            all.back().order = mixed_order(shape);
        }
        return all;
    }
};

TEST_P(Bases, InverseGivesTheTensorBackAndEnergyIsKept) {
    for (const BasisChoice& choice : choices(shape_)) {
        const Basis basis(shape_, choice);
        SCOPED_TRACE(std::string(basis_name(choice.kind)) + " of " + basis.choice().view.text());
        const std::vector<float> coefficients = basis.forward(device_, dense_);
        ASSERT_EQ(std::ssize(coefficients), basis.size() * basis.parts());
        const HostTensor back = basis.inverse(device_, coefficients);
        EXPECT_EQ(back.shape, shape_);
        EXPECT_LE(relative_energy_error(back.values, to_doubles(dense_.values)), kEnergyTolerance);

        double energy = 0, expected = 0;
        std::int64_t freedom = 0;
        for (std::int64_t i = 0; i < basis.size(); ++i) {
            freedom += basis.freedom(i);
            for (int part = 0; part < basis.parts(); ++part) {
                const double value = coefficients[static_cast<std::size_t>(i * basis.parts() + part)];
                energy += basis.energy_weight(i) * value * value;
            }
        }
        for (const float value : dense_.values)
            expected += static_cast<double>(value) * static_cast<double>(value);
        EXPECT_NEAR(energy, expected, 1e-5 * expected);
        EXPECT_EQ(freedom, shape_.size());
    }
}

TEST_P(Bases, OfAnotherOrderAreThoseOfTheReorderedTensor) {
    for (const BasisKind kind : {BasisKind::fft, BasisKind::dct})
        for (const BasisChoice& plain : sensible_choices(shape_, kind)) {
            BasisChoice choice = plain;
            choice.order = mixed_order(shape_);
            HostTensor reordered = dense_;
            const std::int64_t columns = shape_.size() / shape_[0];
            for (std::int64_t i = 0; i < shape_.size(); ++i) {
                const std::size_t from_row = choice.order.rows[static_cast<std::size_t>(i / columns)],
                                  from_column = choice.order.columns[static_cast<std::size_t>(i % columns)];
                reordered.values[static_cast<std::size_t>(i)] =
                    dense_.values[from_row * static_cast<std::size_t>(columns) + from_column];
            }
            EXPECT_EQ(Basis(shape_, choice).forward(device_, dense_),
                      Basis(shape_, plain).forward(device_, reordered));
        }
}

TEST_P(Bases, AllAxesAreTheDefinition) {
    SignalShape signal;
    signal.rank = shape_.rank();
    std::ranges::copy(shape_.extents(), signal.extent.begin());
    BasisChoice choice;
    choice.kind = BasisKind::dct;
    EXPECT_LE(relative_energy_error(Basis(shape_, choice).forward(device_, dense_),
                                    definition::dct(to_doubles(dense_.values), signal)),
              kEnergyTolerance);
    choice.kind = BasisKind::fft;
    std::vector<double> parts;
    for (const std::complex<double> each : definition::rfft(to_doubles(dense_.values), signal))
        for (const double part : {each.real(), each.imag()})
            parts.push_back(part / std::sqrt(static_cast<double>(shape_.size())));
    EXPECT_LE(relative_energy_error(Basis(shape_, choice).forward(device_, dense_), parts), kEnergyTolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Bases, testing::ValuesIn(kShapes));

class Basis_ : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(1);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
};

TEST_F(Basis_, TransformsOneAxisAndLeavesTheOthers) {
    // The first axis of two columns: each column's transform stands alone, one after another.
    const HostTensor dense{Shape{4, 2}, {1, 10, 2, 20, 3, 30, 4, 40}};
    BasisChoice choice;
    choice.kind = BasisKind::fft;
    choice.axes = {0};
    const std::vector<float> expected{5, 0, -1, 1, -1, 0, 50, 0, -10, 10, -10, 0};
    const std::vector<float> found = Basis(dense.shape, choice).forward(device_, dense);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5);
}

TEST_F(Basis_, ARandomOneDependsOnItsSeedAlone) {
    const HostTensor dense{Shape{300}, normal_values(300, 1)};
    BasisChoice choice;
    choice.kind = BasisKind::random;
    choice.seed = 1;
    const auto once = Basis(dense.shape, choice).forward(device_, dense);
    EXPECT_EQ(Basis(dense.shape, choice).forward(device_, dense), once);
    choice.seed = 2;
    EXPECT_NE(Basis(dense.shape, choice).forward(device_, dense), once);
}

TEST_F(Basis_, TilesDivideTheMatrix) {
    const BasisChoice choice = tiled_choice(Shape{784, 10}, BasisKind::fft, 16);
    EXPECT_EQ(choice.view, (Shape{49, 16, 1, 10}));
    EXPECT_EQ(tiled_choice(Shape{97, 30}, BasisKind::fft, 16).view, (Shape{1, 97, 2, 15}));
}

TEST_F(Basis_, RefusesWhatDoesNotFit) {
    const auto refused = [](const Shape& shape, const Shape& view, std::vector<int> axes) {
        BasisChoice choice;
        choice.kind = BasisKind::fft;
        choice.view = view;
        choice.axes = std::move(axes);
        return failure([&] { Basis(shape, choice); });
    };
    EXPECT_EQ(refused(Shape{}, {}, {}), "tensor of scalar: a single number has no basis");
    EXPECT_EQ(refused(Shape{3, 0}, {}, {}), "tensor of 3 × 0: an axis is empty");
    EXPECT_EQ(refused(Shape{3, 4}, Shape{3, 5}, {}), "tensor of 3 × 4: a view of 3 × 5 has another size");
    for (const std::vector<int>& axes : {std::vector{2}, {-1}, {1, 0}, {0, 0}})
        EXPECT_EQ(refused(Shape{3, 4}, {}, axes),
                  "tensor of 3 × 4: the axes to transform do not ascend within its rank");
    EXPECT_NE(refused(Shape{1 << 20, 1 << 20}, {}, {}).find("more than 32 bits count"), std::string::npos);
}

}  // namespace
}  // namespace spectral::test

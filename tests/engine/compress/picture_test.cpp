// Pictures of tensors and spectra against definitions, and what an explorer says of a rate.
#include "engine/compress/picture.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "engine/compress/tensor_explorer.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"

namespace spectral::test {
namespace {

HostTensor noise(const Shape& shape) { return {shape, normal_values(shape.size(), 5, 1)}; }

/// |DFT| at frequencies k of an array of rank 3, orthonormal.
double magnitude_at(const HostTensor& x, const std::array<std::int64_t, 3>& k) {
    std::complex<double> sum;
    std::size_t at = 0;
    const Shape& n = x.shape;
    for (std::int64_t a = 0; a < n[0]; ++a)
        for (std::int64_t b = 0; b < n[1]; ++b)
            for (std::int64_t c = 0; c < n[2]; ++c, ++at) {
                const double turns = static_cast<double>(a * k[0]) / static_cast<double>(n[0]) +
                                     static_cast<double>(b * k[1]) / static_cast<double>(n[1]) +
                                     static_cast<double>(c * k[2]) / static_cast<double>(n[2]);
                sum += static_cast<double>(x.values[at]) * std::polar(1.0, -2 * std::numbers::pi * turns);
            }
    return std::abs(sum) / std::sqrt(static_cast<double>(n.size()));
}

class Pictures : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
};

TEST_F(Pictures, ACellHasTheStrongestOfItsValues) {
    const HostTensor tensor = noise({1031, 7});
    const Picture picture = picture_of(tensor.shape, tensor.values);
    ASSERT_EQ(picture.cells.rows_per_cell, 3);
    ASSERT_EQ(picture.cells.down(), 344);
    ASSERT_EQ(picture.cells.across(), 7);
    for (std::int64_t cell = 0; cell < 344; ++cell)
        for (std::int64_t column = 0; column < 7; ++column) {
            float strongest = 0;
            for (std::int64_t row = 3 * cell; row < std::min<std::int64_t>(3 * cell + 3, 1031); ++row)
                if (const float v = tensor.values[static_cast<std::size_t>(row * 7 + column)];
                    std::abs(v) > std::abs(strongest))
                    strongest = v;
            ASSERT_EQ(picture.values[static_cast<std::size_t>(cell * 7 + column)], strongest);
        }
    EXPECT_EQ(picture_of({13}, noise({13}).values).cells, Cells::of(1, 13));
    EXPECT_EQ(picture_of({1, 1}, noise({1, 1}).values).values.size(), 1U);
}

TEST_F(Pictures, SpectraAreCentredWithTheirMirrors) {
    for (const Shape& shape : {Shape{1, 5, 6}, Shape{1, 4, 7}, Shape{3, 4, 5}, Shape{5, 1, 2}}) {
        SCOPED_TRACE(shape.text());
        const HostTensor tensor = noise(shape);
        BasisChoice choice;
        choice.kind = BasisKind::fft;
        const Basis basis(shape, choice);
        const CoefficientMap map(basis);
        const std::vector<float> coefficients = basis.forward(device_, tensor);
        std::vector<float> phases;
        const Picture picture = map.magnitudes(coefficients, phases);
        const std::int64_t rows = shape[1], columns = shape[2];
        const std::int64_t gap = shape[0] > 1 ? 1 : 0;
        std::int64_t seen = 0;
        for (std::int64_t r = 0; r < picture.cells.down(); ++r)
            for (std::int64_t c = 0; c < picture.cells.across(); ++c) {
                const float value = picture.values[static_cast<std::size_t>(r * picture.cells.across() + c)];
                if (std::isnan(value)) {
                    EXPECT_TRUE(map.place_text(r, c).empty());
                    continue;
                }
                ++seen;
                const std::int64_t across = (picture.cells.across() + gap) / (columns + gap);
                const std::int64_t tile = r / (rows + gap) * across + c / (columns + gap);
                const std::int64_t u = r % (rows + gap) - rows / 2, v = c % (columns + gap) - columns / 2;
                EXPECT_NEAR(std::pow(10.0, value), magnitude_at(tensor, {tile, u, v}), 1e-4);
                EXPECT_NE(map.place_text(r, c).find("(" + std::to_string(u) + ", " + std::to_string(v)),
                          std::string::npos);
            }
        EXPECT_EQ(seen, shape.size());
        for (const std::uint8_t mark : map.kept(std::vector<float>(coefficients.size()))) EXPECT_EQ(mark, 0);
    }
}

TEST_F(Pictures, EveryBasisHasAPlaceForEveryCoefficient) {
    for (const Shape& shape : {Shape{1}, Shape{13}, Shape{6, 49}, Shape{2, 3, 5, 5}})
        for (const Method& method : method_registry()) {
            SCOPED_TRACE(method.name + " " + shape.text());
            const auto tensor = std::make_shared<const HostTensor>(noise(shape));
            const TensorExplorer explorer(device_, tensor, method.name);
            const auto view = explorer.view();
            const auto cells = static_cast<std::size_t>(view->map->cells().count());
            EXPECT_EQ(view->magnitudes.values.size(), cells);
            EXPECT_EQ(view->phases.size(), cells);
            EXPECT_EQ(view->weights.values, tensor->values);
            const TensorLook all = explorer.look(1);
            EXPECT_EQ(all.marks.size(), view->has_coefficients ? cells : 0);
            for (std::size_t i = 0; i < tensor->values.size(); ++i)
                EXPECT_NEAR(all.reconstruction.values[i] + all.difference.values[i], tensor->values[i], 1e-5);
            EXPECT_NEAR(relative_error(tensor->values, all.reconstruction.values), all.packed.relative_error,
                        1e-4);
        }
}

TEST_F(Pictures, MoreIsKeptAndLessIsLostAsTheSliderRises) {
    const auto tensor = std::make_shared<const HostTensor>(noise({24, 64}));
    for (const char* method : {"fft", "dct-int8", "block-fft", "magnitude", "svd", "random-basis"}) {
        SCOPED_TRACE(method);
        const TensorExplorer explorer(device_, tensor, method);
        double kept = 0, lost = 2;
        for (const double density : {0.0, 0.01, 0.1, 0.3, 0.9}) {
            const TensorLook look = explorer.look(density);
            EXPECT_GE(look.kept, kept);
            EXPECT_LE(look.packed.relative_error, lost + 1e-6);
            kept = look.kept;
            lost = look.packed.relative_error;
            if (std::string(method) != "svd") {
                EXPECT_NEAR(look.kept, density, 3.0 / (24 * 64));
            }
            // The same slider place gives the same rate.
            EXPECT_EQ(explorer.look(look.kept).packed, look.packed);
        }
    }
}

TEST_F(Pictures, EnergyKeptIsWhatTheErrorLeaves) {
    const auto tensor = std::make_shared<const HostTensor>(noise({24, 65}));
    for (const char* method : {"fft", "dct", "fft-box", "magnitude", "svd", "random-basis"}) {
        SCOPED_TRACE(method);
        const TensorExplorer explorer(device_, tensor, method);
        const auto& energies = explorer.view()->energies;
        ASSERT_GT(energies.size(), 10U);
        EnergyPoint before;
        for (const EnergyPoint& point : energies) {
            EXPECT_GE(point.kept, before.kept);
            EXPECT_GE(point.energy, before.energy);
            before = point;
            if (point.kept >= 1) continue;
            EXPECT_NEAR(explorer.look(point.kept).packed.energy_retained(), point.energy, 2e-3);
        }
        EXPECT_NEAR(before.energy, 1, 1e-5);
    }
}

TEST(Noise, KeepsWhatTheFormulasSay) {
    const auto at = [](int parts, double kept) {
        for (const EnergyPoint& point : noise_energies(parts, 1e-4, 20000))
            if (point.kept >= kept) return point.energy;
        return 0.0;
    };
    for (const auto& [kept, complex, real] :
         {std::tuple{0.05, 0.20, 0.28}, std::tuple{0.10, 0.33, 0.44}, std::tuple{0.25, 0.60, 0.72}}) {
        EXPECT_NEAR(at(2, kept), complex, 5e-3);
        EXPECT_NEAR(at(1, kept), real, 5e-3);
    }
}

}  // namespace
}  // namespace spectral::test

// Sparse spectral tensors: what is kept, what it costs, and back, against double-precision definitions.
#include "engine/spectral/sparse_tensor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

class SparseTensor : public testing::Test {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    Tensor tensor(const Shape& shape, const std::vector<float>& values) {
        Tensor result(device_, MemoryTag::parameters, shape, "dense");
        result.assign(*backend_, {shape, values});
        return result;
    }

    SparseSpectralTensor keep(const Shape& shape, const std::vector<float>& values, Keep::By by,
                              double value) {
        return SparseSpectralTensor::from_dense(device_, tensor(shape, values), {by, value});
    }

    /// ‖dense − sparse‖ / ‖dense‖ by reconstruction.
    double error_of(const SparseSpectralTensor& sparse, const std::vector<float>& dense) {
        return std::sqrt(
            relative_energy_error(sparse.to_dense(device_).to_host(*backend_).values, to_doubles(dense)));
    }
};

class Shapes : public SparseTensor, public testing::WithParamInterface<Shape> {
protected:
    Shape shape_ = GetParam();
};

TEST_P(Shapes, ABudgetOfBytesIsUsedUp) {
    const std::vector<float> values = normal_values(shape_.size(), 1);
    const Tensor dense = tensor(shape_, values);
    for (const ValueCoding coding : {ValueCoding::f32, ValueCoding::f16, ValueCoding::int4}) {
        for (const double share : {0.1, 0.5, 2.0}) {
            const auto budget =
                static_cast<std::size_t>(40 + share * static_cast<double>(shape_.size()) * sizeof(float));
            Keep keep{Keep::By::bytes, static_cast<double>(budget), coding};
            const auto sparse = SparseSpectralTensor::from_dense(device_, dense, keep);
            EXPECT_LE(sparse.stored_bytes(coding), budget);
            const std::int64_t freedom = sparse.degrees_of_freedom();
            if (freedom == shape_.size()) continue;
            // Two more would pay for the next pair.
            keep = {Keep::By::count, static_cast<double>(freedom + 2)};
            EXPECT_GT(SparseSpectralTensor::from_dense(device_, dense, keep).stored_bytes(coding), budget);
        }
    }
}

TEST_P(Shapes, EverythingKeptIsTheTensor) {
    const std::vector<float> values = normal_values(shape_.size(), 1);
    const SparseSpectralTensor sparse = keep(shape_, values, Keep::By::density, 1);
    EXPECT_EQ(sparse.count(), sparse.spectrum().size());
    EXPECT_EQ(sparse.degrees_of_freedom(), shape_.size());
    EXPECT_LE(error_of(sparse, values), 1e-6);
    EXPECT_LE(sparse.relative_error(), 1e-6);
}

TEST_P(Shapes, ValuesAreTheOrthonormalSpectrum) {
    const std::vector<float> values = normal_values(shape_.size(), 2);
    const SparseSpectralTensor sparse = keep(shape_, values, Keep::By::density, 0.4);
    definition::ComplexDoubles all = definition::rfft(to_doubles(values), sparse.spectrum().signal()),
                               expected;
    for (const std::uint32_t index : sparse.host_index())
        expected.push_back(all[index] / std::sqrt(static_cast<double>(shape_.size())));
    EXPECT_LE(relative_energy_error(sparse.host_values(*backend_), expected), kEnergyTolerance);
}

/// The best that so many degrees of freedom can hold, by sorting pairs in double precision.
TEST_P(Shapes, KeepsTheMostEnergyAndKnowsItsError) {
    const std::vector<float> values = normal_values(shape_.size(), 5);
    for (const double density : {0.01, 0.1, 0.37, 0.8}) {
        SCOPED_TRACE(density);
        const SparseSpectralTensor sparse = keep(shape_, values, Keep::By::density, density);
        const HalfSpectrum& spectrum = sparse.spectrum();
        const std::int64_t freedom =
            std::max<std::int64_t>(1, std::llround(density * static_cast<double>(shape_.size())));
        EXPECT_LE(sparse.degrees_of_freedom(), freedom);
        definition::ComplexDoubles all = definition::rfft(to_doubles(values), spectrum.signal());
        std::vector<std::int64_t> order;
        for (std::int64_t i = 0; i < spectrum.size(); ++i)
            if (spectrum.freedom(i) > 0) order.push_back(i);
        std::ranges::stable_sort(order, std::greater{}, [&](std::int64_t i) {
            return std::norm(Complex(all[static_cast<std::size_t>(i)]));
        });
        double best = 0, total = 0;
        std::int64_t left = freedom;
        bool open = true;
        for (const std::int64_t i : order) {
            const double energy = spectrum.freedom(i) * std::norm(all[static_cast<std::size_t>(i)]);
            total += energy;
            open = open && spectrum.freedom(i) <= left;
            if (!open) continue;
            best += energy;
            left -= spectrum.freedom(i);
        }
        EXPECT_NEAR(sparse.energy_retained(), best / total, 1e-6);
        EXPECT_NEAR(sparse.relative_error(), error_of(sparse, values), 1e-5);
    }
}

TEST_P(Shapes, AnErrorIsMetByTheFewestCoefficients) {
    const std::vector<float> values = normal_values(shape_.size(), 6);
    for (const double bound : {0.0, 0.2, 0.7}) {
        SCOPED_TRACE(bound);
        const SparseSpectralTensor sparse = keep(shape_, values, Keep::By::error, bound);
        EXPECT_LE(sparse.relative_error(), std::max(bound, 1e-6));
        const SparseSpectralTensor by_energy = keep(shape_, values, Keep::By::energy, 1 - bound * bound);
        EXPECT_LE(std::abs(by_energy.count() - sparse.count()), bound == 0 ? 0 : 2);
        const auto freedom = static_cast<double>(sparse.degrees_of_freedom());
        if (freedom < 2) continue;
        const SparseSpectralTensor fewer = keep(shape_, values, Keep::By::count, freedom - 1);
        EXPECT_GT(fewer.relative_error(), bound);
    }
}

TEST_P(Shapes, RoundTripThroughTheHost) {
    const std::vector<float> values = normal_values(shape_.size(), 7);
    const SparseSpectralTensor sparse = keep(shape_, values, Keep::By::density, 0.5);
    const SparseSpectralTensor again =
        SparseSpectralTensor::from_host(device_, shape_, sparse.host_index(), sparse.host_values(*backend_));
    EXPECT_EQ(again.to_dense(device_).to_host(*backend_).values,
              sparse.to_dense(device_).to_host(*backend_).values);
    EXPECT_NEAR(again.energy(), sparse.energy(), 1e-5 * sparse.energy());
}

INSTANTIATE_TEST_SUITE_P(Shapes, Shapes, testing::ValuesIn(kTensorShapes));

TEST_F(SparseTensor, ZerosAndConstantsNeedOneCoefficient) {
    for (const float value : {0.0F, 2.5F}) {
        const std::vector<float> values(24, value);
        const SparseSpectralTensor sparse = keep({4, 6}, values, Keep::By::error, 1e-3);
        EXPECT_EQ(sparse.host_index(), std::vector<std::uint32_t>{0});
        EXPECT_LE(sparse.relative_error(), 1e-6);
        const std::vector<float> back = sparse.to_dense(device_).to_host(*backend_).values;
        for (const float each : back) EXPECT_NEAR(each, value, 1e-6F);
    }
}

TEST_F(SparseTensor, WhiteNoiseKeepsWhatTheNullHypothesisSays) {
    // E = p(1 − ln p) of the energy of Gaussian noise is in the largest fraction p of its coefficients.
    const Shape shape{128, 128};
    if (too_large_to_test(shape.size())) GTEST_SKIP() << "too slow in this build";
    const std::vector<float> values = normal_values(shape.size(), 8);
    for (const double p : {0.05, 0.1, 0.25})
        EXPECT_NEAR(keep(shape, values, Keep::By::density, p).energy_retained(), p * (1 - std::log(p)), 0.01);
}

TEST_F(SparseTensor, RefusesWhatMakesNoSense) {
    const std::vector<float> values = normal_values(12, 9);
    const auto refused = [&](Keep::By by, double value) {
        return failure([&] { keep({3, 4}, values, by, value); });
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double density : {0.0, -1.0, 1.5, nan})
        EXPECT_NE(refused(Keep::By::density, density).find("density"), std::string::npos);
    for (const double count : {0.0, 2.5, nan})
        EXPECT_NE(refused(Keep::By::count, count).find("coefficients"), std::string::npos);
    for (const double error : {-0.1, 1.0, nan})
        EXPECT_NE(refused(Keep::By::error, error).find("relative error"), std::string::npos);
    EXPECT_NE(refused(Keep::By::bytes, 0.5).find("bytes"), std::string::npos);
    EXPECT_NE(refused(Keep::By::bytes, 3).find("hold no coefficient"), std::string::npos);
    for (const double energy : {0.0, 1.1, nan})
        EXPECT_NE(refused(Keep::By::energy, energy).find("energy"), std::string::npos);
    std::vector<float> damaged = values;
    damaged[6] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(failure([&] {
                  keep({3, 4}, damaged, Keep::By::density, 0.5);
              }),
              "spectrum: the value at [1, 2] is inf");
}

TEST_F(SparseTensor, RefusesDamagedIndices) {
    const auto refused = [&](std::vector<std::uint32_t> index, std::size_t values) {
        return failure([&] {
            SparseSpectralTensor::from_host(device_, {4, 6}, std::move(index), std::vector<Complex>(values));
        });
    };
    EXPECT_EQ(refused({1, 2}, 1), "sparse spectrum: it has 2 indices and 1 values");
    EXPECT_EQ(refused({1, 16}, 2), "sparse spectrum: index 16 lies outside 16 coefficients");
    EXPECT_EQ(refused({2, 1}, 2), "sparse spectrum: index 1 follows 2");
    EXPECT_EQ(refused({1, 1}, 2), "sparse spectrum: index 1 follows 1");
    EXPECT_EQ(refused({4}, 1), "sparse spectrum: index 4 has no mirror 12");
    EXPECT_EQ(refused({0, 1, 4, 12}, 4), "nothing was thrown");
    EXPECT_EQ(refused({}, 0), "nothing was thrown");
}

}  // namespace
}  // namespace spectral::test

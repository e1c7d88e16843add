// The layer with a sparse spectrum against the dense product with the weight that the spectrum stands for.
#include "engine/nn/spectral_linear.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/spectral/sparse_tensor.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

struct Case {
    std::int64_t outputs, inputs, batch;
    double density;
};

class SpectralLinears : public testing::TestWithParam<Case> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    std::int64_t outputs_ = GetParam().outputs, inputs_ = GetParam().inputs, batch_ = GetParam().batch;
    SparseSpectralTensor sparse_ = [this] {
        Tensor dense(device_, MemoryTag::parameters, {outputs_, inputs_}, "dense");
        dense.assign(*backend_, {dense.shape(), normal_values(dense.size(), 1)});
        return SparseSpectralTensor::from_dense(device_, dense, {Keep::By::density, GetParam().density});
    }();
    std::vector<double> w_ = to_doubles(sparse_.to_dense(device_).to_host(*backend_).values);
    SpectralLinear layer_{
        device_, "layer", inputs_, outputs_, sparse_.host_index(), sparse_.host_values(*backend_),
        true,    batch_};

    double w(std::int64_t r, std::int64_t s) const { return w_[static_cast<std::size_t>(r * inputs_ + s)]; }
};

TEST_P(SpectralLinears, ForwardIsTheDenseProduct) {
    const std::vector<float> x = normal_values(batch_ * (inputs_ + 3), 2), b = normal_values(outputs_, 3);
    layer_.parameters()[1]->value.assign(*backend_, {Shape{outputs_}, b});
    // Rows apart and picked, and rows one after another.
    std::vector<std::uint32_t> picked;
    for (std::int64_t i = batch_; i-- > 0;) picked.push_back(static_cast<std::uint32_t>(i));
    for (const auto& [stride, pick] :
         {std::pair{inputs_ + 3, true}, {inputs_ + 3, false}, {inputs_, false}}) {
        Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, batch_ * outputs_);
        Array<std::uint32_t> rows(*backend_, std::span<const std::uint32_t>(picked));
        layer_.forward(batch_, {input.data(), stride, pick ? rows.data() : nullptr}, y.data(), false);
        std::vector<double> expected;
        for (std::int64_t i = 0; i < batch_; ++i) {
            const std::int64_t row = pick ? picked[static_cast<std::size_t>(i)] : i;
            for (std::int64_t r = 0; r < outputs_; ++r) {
                double sum = b[static_cast<std::size_t>(r)];
                for (std::int64_t s = 0; s < inputs_; ++s)
                    sum += w(r, s) * static_cast<double>(x[static_cast<std::size_t>(row * stride + s)]);
                expected.push_back(sum);
            }
        }
        EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
    }
}

TEST_P(SpectralLinears, GradientsAreThoseOfTheDenseLayer) {
    const std::vector<float> x = normal_values(batch_ * inputs_, 4), dy = normal_values(batch_ * outputs_, 5);
    Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, batch_ * outputs_),
        gradient(*backend_, std::span<const float>(dy)), dx(*backend_, batch_ * inputs_);
    layer_.forward(batch_, {input.data(), inputs_, nullptr}, y.data(), true);
    layer_.backward(batch_, gradient.data(), dx.data());

    std::vector<double> dw(w_.size()), dx_expected(x.size()), db(static_cast<std::size_t>(outputs_));
    for (std::int64_t i = 0; i < batch_; ++i)
        for (std::int64_t r = 0; r < outputs_; ++r) {
            const double g = dy[static_cast<std::size_t>(i * outputs_ + r)];
            db[static_cast<std::size_t>(r)] += g;
            for (std::int64_t s = 0; s < inputs_; ++s) {
                const auto at = static_cast<std::size_t>(i * inputs_ + s);
                dw[static_cast<std::size_t>(r * inputs_ + s)] += g * static_cast<double>(x[at]);
                dx_expected[at] += g * w(r, s);
            }
        }
    EXPECT_LE(relative_energy_error(dx.host(), dx_expected), kEnergyTolerance);
    EXPECT_LE(relative_energy_error(layer_.parameters()[1]->gradient.to_host(*backend_).values, db),
              kEnergyTolerance);
    // ∂loss/∂S of a unit: the spectrum of ∂loss/∂W there, once for itself and once for its mirror.
    const HalfSpectrum& spectrum = sparse_.spectrum();
    const definition::ComplexDoubles all = definition::rfft(dw, spectrum.signal());
    std::vector<double> expected;
    for (const std::uint32_t unit : layer_.units()) {
        const double weight = spectrum.freedom(unit) / std::sqrt(static_cast<double>(spectrum.values()));
        expected.push_back(weight * all[unit].real());
        expected.push_back(spectrum.freedom(unit) == 1 ? 0 : weight * all[unit].imag());
    }
    EXPECT_LE(relative_energy_error(layer_.parameters()[0]->gradient.to_host(*backend_).values, expected),
              kEnergyTolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SpectralLinears,
                         testing::Values(Case{1, 1, 1, 1}, Case{1, 8, 3, 1}, Case{8, 1, 3, 1},
                                         Case{2, 2, 4, 1}, Case{5, 7, 9, 1}, Case{6, 8, 33, 1},
                                         Case{6, 9, 2, 0.3}, Case{17, 12, 5, 0.1}, Case{64, 49, 8, 0.05}));

class CosineLinears : public testing::TestWithParam<Case> {
protected:
    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};
    std::int64_t outputs_ = GetParam().outputs, inputs_ = GetParam().inputs, batch_ = GetParam().batch;
    SignalShape signal_{2, {outputs_, inputs_}};
};

TEST_P(CosineLinears, ProductAndGradientsAreThoseOfTheDenseLayer) {
    const std::vector<float> drawn = normal_values(outputs_ * inputs_, 1);
    std::vector<std::uint32_t> index;
    std::vector<float> values;
    definition::Doubles spectrum(drawn.size());
    for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (i % static_cast<std::size_t>(std::lround(1 / GetParam().density)) != 0) continue;
        index.push_back(static_cast<std::uint32_t>(i));
        values.push_back(drawn[i]);
        spectrum[i] = static_cast<double>(drawn[i]);
    }
    const definition::Doubles w = definition::dct_inverse(spectrum, signal_);
    SpectralLinear layer(device_, "layer", inputs_, outputs_, index, values, false, batch_);
    EXPECT_EQ(layer.units(), index);
    const std::vector<float> x = normal_values(batch_ * inputs_, 4), dy = normal_values(batch_ * outputs_, 5);
    Array<float> input(*backend_, std::span<const float>(x)), y(*backend_, batch_ * outputs_),
        gradient(*backend_, std::span<const float>(dy)), dx(*backend_, batch_ * inputs_);
    std::vector<double> dw(w.size()), y_expected, dx_expected(x.size());
    for (std::int64_t i = 0; i < batch_; ++i)
        for (std::int64_t r = 0; r < outputs_; ++r) {
            const double g = dy[static_cast<std::size_t>(i * outputs_ + r)];
            double sum = 0;
            for (std::int64_t c = 0; c < inputs_; ++c) {
                const auto at = static_cast<std::size_t>(i * inputs_ + c);
                const auto entry = static_cast<std::size_t>(r * inputs_ + c);
                sum += w[entry] * static_cast<double>(x[at]);
                dw[entry] += g * static_cast<double>(x[at]);
                dx_expected[at] += g * w[entry];
            }
            y_expected.push_back(sum);
        }
    const definition::Doubles all = definition::dct(dw, signal_);
    std::vector<double> expected;
    for (const std::uint32_t unit : index) expected.push_back(all[unit]);
    for (int pass = 0; pass < 2; ++pass) {  // what one pass leaves behind does not reach the next
        layer.forward(batch_, {input.data(), inputs_, nullptr}, y.data(), true);
        layer.backward(batch_, gradient.data(), dx.data());
        EXPECT_LE(relative_energy_error(y.host(), y_expected), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(dx.host(), dx_expected), kEnergyTolerance);
        EXPECT_LE(relative_energy_error(layer.parameters()[0]->gradient.to_host(*backend_).values, expected),
                  kEnergyTolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CosineLinears,
                         testing::Values(Case{1, 1, 1, 1}, Case{1, 8, 3, 1}, Case{8, 1, 3, 1},
                                         Case{5, 7, 9, 1}, Case{6, 9, 2, 0.3}, Case{17, 12, 5, 0.1},
                                         Case{64, 49, 8, 0.05}));

TEST(SpectralLinear, HoldsItsCoefficientsAndNoMatrix) {
    const auto backend = open_tested(1);
    MemoryBudget budget;
    const std::vector<std::uint32_t> index{3, 70, 5000};
    const std::vector<Complex> values{1, {2, 1}, {0, 3}};
    SpectralLinear layer({*backend, budget}, "layer", 1024, 2048, index, values, false, 1);
    EXPECT_EQ(layer.weight_bytes(), 3 * (8U + 4U) + 4U * 1026);
    EXPECT_LT(budget.total().peak, 1024U * 2048U);  // a matrix of bytes would be as much
    const std::vector<std::uint32_t> outside{513 * 2048};
    EXPECT_EQ(failure([&] {
                  SpectralLinear({*backend, budget}, "layer", 1024, 2048, outside, std::vector<Complex>{1},
                                 false, 1);
              }),
              "sparse spectrum: an index lies outside of it");
    const std::vector<std::uint32_t> twice{7, 7};
    EXPECT_EQ(failure([&] {
                  SpectralLinear({*backend, budget}, "layer", 1024, 2048, twice, std::vector<Complex>{1, 2},
                                 false, 1);
              }),
              "sparse spectrum: its indices do not ascend");
    const std::vector<std::uint32_t> alone{1025};  // u = 1, v = 0: its mirror is u = 1023
    EXPECT_EQ(
        failure([&] {
            SpectralLinear({*backend, budget}, "layer", 2048, 1024, alone, std::vector<Complex>{1}, false, 1);
        }),
        "sparse spectrum: a stored coefficient lacks its mirror");
}

}  // namespace
}  // namespace spectral::test

// Operations on sparse spectral tensors against functions of real arrays in double precision, and their
// gradients against finite differences of those functions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "engine/spectral/sparse_arithmetic.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/definitions.hpp"

namespace spectral::test {

class SparseOperation : public testing::Test {
protected:
    using Doubles = definition::Doubles;
    /// The operation in space: what it makes of its operands.
    using Function = std::function<Doubles(const std::vector<Doubles>&)>;

    std::unique_ptr<Backend> backend_ = open_tested(2);
    MemoryBudget budget_;
    Device device_{*backend_, budget_};

    Tensor dense(const Shape& shape, const std::vector<float>& values) {
        Tensor result(device_, MemoryTag::parameters, shape, "dense");
        result.assign(*backend_, {shape, values});
        return result;
    }

    /// Normal values, of which a density is kept.
    SparseSpectralTensor drawn(const Shape& shape, std::uint64_t seed, double density) {
        return SparseSpectralTensor::from_dense(device_, dense(shape, normal_values(shape.size(), seed)),
                                                {Keep::By::density, density});
    }

    /// On what `other` does not have; nothing where it has everything.
    SparseSpectralTensor drawn_beside(const SparseSpectralTensor& other, std::uint64_t seed) {
        std::vector<std::uint32_t> index;
        for (std::uint32_t i = 0; i < other.spectrum().size(); ++i)
            if (!std::ranges::binary_search(other.host_index(), i)) index.push_back(i);
        return drawn_on(other.shape(), index, seed);
    }

    SparseSpectralTensor drawn_on(const Shape& shape, const std::vector<std::uint32_t>& index,
                                  std::uint64_t seed) {
        return SparseSpectralTensor::project(device_, dense(shape, normal_values(shape.size(), seed)), index);
    }

    /// In double precision.
    Doubles in_space(const SparseSpectralTensor& a) {
        return in_space(a.spectrum(), a.host_index(), a.host_values(*backend_));
    }
    static Doubles in_space(const HalfSpectrum& spectrum, const std::vector<std::uint32_t>& index,
                            const std::vector<Complex>& values) {
        definition::ComplexDoubles all(static_cast<std::size_t>(spectrum.size()));
        const double scale = 1 / std::sqrt(static_cast<double>(spectrum.values()));
        for (std::size_t j = 0; j < index.size(); ++j)
            all[index[j]] = scale * spectrum.energy_weight(index[j]) * std::complex<double>(values[j]);
        return definition::rfft_backward(all, spectrum.signal());
    }

    /// The result is the function of the operands, projected on the result's support.
    void expect_result(const SparseSpectralTensor& result, const Function& function,
                       const std::vector<const SparseSpectralTensor*>& operands) {
        std::vector<Doubles> inputs;
        for (const SparseSpectralTensor* operand : operands) inputs.push_back(in_space(*operand));
        const definition::ComplexDoubles all = definition::rfft(function(inputs), result.spectrum().signal());
        definition::ComplexDoubles expected;
        double energy = 0;
        for (const auto& value : all) energy += std::norm(value);
        for (const std::uint32_t index : result.host_index())
            expected.push_back(all[index] / std::sqrt(static_cast<double>(result.spectrum().values())));
        energy /= static_cast<double>(result.spectrum().values());
        double difference = 0;
        const std::vector<Complex> values = result.host_values(*backend_);
        ASSERT_EQ(values.size(), expected.size());
        for (std::size_t j = 0; j < values.size(); ++j)
            difference += std::norm(std::complex<double>(values[j]) - expected[j]);
        EXPECT_LE(difference, kEnergyTolerance * std::max(energy, 1e-12));
    }

    /// ∂⟨g, function⟩ by every degree of freedom of every operand, by central differences in double
    /// precision, is what `gradients` say.
    void expect_gradients(const SparseSpectralTensor& g, const Function& function,
                          const std::vector<const SparseSpectralTensor*>& operands,
                          const std::vector<const SparseSpectralTensor*>& gradients) {
        expect_gradients(in_space(g), function, operands, gradients);
    }
    void expect_gradients(const Doubles& weight, const Function& function,
                          const std::vector<const SparseSpectralTensor*>& operands,
                          const std::vector<const SparseSpectralTensor*>& gradients) {
        ASSERT_EQ(operands.size(), gradients.size());
        std::vector<Doubles> inputs;
        for (const SparseSpectralTensor* operand : operands) inputs.push_back(in_space(*operand));
        const auto loss = [&] {
            const Doubles y = function(inputs);
            EXPECT_EQ(y.size(), weight.size());
            return std::inner_product(y.begin(), y.end(), weight.begin(), 0.0);
        };
        for (std::size_t which = 0; which < operands.size(); ++which) {
            SCOPED_TRACE(testing::Message() << "operand " << which);
            const HalfSpectrum& spectrum = operands[which]->spectrum();
            const std::vector<std::uint32_t>& index = operands[which]->host_index();
            ASSERT_EQ(gradients[which]->host_index(), index);
            ASSERT_EQ(gradients[which]->shape(), operands[which]->shape());
            const std::vector<Complex> values = gradients[which]->host_values(*backend_);
            std::vector<double> found, expected;
            for (std::size_t j = 0; j < index.size(); ++j) {
                const int freedom = spectrum.freedom(index[j]);
                for (int part = 0; part < freedom; ++part) {
                    const Doubles direction =
                        unit_in_space(spectrum, index[j], part == 0 ? 1.0F : 0.0F, part == 0 ? 0.0F : 1.0F);
                    expected.push_back(difference_along(inputs[which], direction, loss));
                    const float own = part == 0 ? values[j].real() : values[j].imag();
                    found.push_back(freedom * static_cast<double>(own));
                }
            }
            double error = 0, size = 0;
            for (std::size_t i = 0; i < found.size(); ++i) {
                error += (found[i] - expected[i]) * (found[i] - expected[i]);
                size += expected[i] * expected[i];
            }
            EXPECT_LE(error, 1e-8 * size + 1e-12);
        }
    }

private:
    /// What one degree of freedom adds to the tensor: its coefficient, and the mirror where that is stored.
    static Doubles unit_in_space(const HalfSpectrum& spectrum, std::uint32_t index, float re, float im) {
        std::vector<std::uint32_t> places{index};
        std::vector<Complex> values{{re, im}};
        const std::optional<std::int64_t> mirror = spectrum.mirror(index);
        if (mirror && *mirror != index) {
            places.push_back(static_cast<std::uint32_t>(*mirror));
            values.emplace_back(re, -im);
        }
        return in_space(spectrum, places, values);
    }

    template <class Loss>
    static double difference_along(Doubles& input, const Doubles& direction, const Loss& loss) {
        constexpr double kStep = 1e-5;
        const Doubles start = input;
        const auto at = [&](double step) {
            for (std::size_t n = 0; n < start.size(); ++n) input[n] = start[n] + step * direction[n];
            return loss();
        };
        const double after = at(kStep), before = at(-kStep);
        input = start;
        return (after - before) / (2 * kStep);
    }
};

}  // namespace spectral::test

// Spectral batch norm of sparse tensors: values, running statistics and gradients.
#include "engine/spectral/sparse_batch_norm.hpp"

#include "engine/core/transfer.hpp"
#include "tests/engine/spectral/operation_check.hpp"
#include "tests/engine/spectral/shapes.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/sparse_definitions.hpp"

namespace spectral::test {
namespace {

using definition::ComplexDoubles;
using definition::Doubles;

constexpr double kEpsilon = 0.25;

class SparseBatchNorms : public SparseOperation, public testing::WithParamInterface<Shape> {
protected:
    Shape shape_ = GetParam();
    HalfSpectrum spectrum_{shape_};
    std::vector<std::uint32_t> index_ = drawn(shape_, 7, 0.6).host_index();
    Doubles scale_ = Doubles(index_.size(), 1);
    ComplexDoubles shift_ = ComplexDoubles(index_.size());

    /// In space: transforms, the frequencies of the support by batch norm, and back.
    Doubles function(const std::vector<Doubles>& x) const {
        const double root = std::sqrt(static_cast<double>(shape_.size()));
        ComplexDoubles rows;
        for (const Doubles& each : x) {
            const ComplexDoubles all = definition::rfft(each, spectrum_.signal());
            for (const std::uint32_t index : index_) rows.push_back(all[index] / root);
        }
        const ComplexDoubles y = definition::batch_norm(rows, scale_, shift_, kEpsilon).y;
        Doubles result;
        for (std::size_t b = 0; b < x.size(); ++b) {
            ComplexDoubles all(static_cast<std::size_t>(spectrum_.size()));
            for (std::size_t j = 0; j < index_.size(); ++j)
                all[index_[j]] =
                    y[b * index_.size() + j] / root * static_cast<double>(spectrum_.energy_weight(index_[j]));
            const Doubles back = definition::rfft_backward(all, spectrum_.signal());
            result.insert(result.end(), back.begin(), back.end());
        }
        return result;
    }
};

TEST_P(SparseBatchNorms, ValuesAndGradientsAreThoseOfEveryFrequency) {
    SparseBatchNorm norm(device_, shape_, index_, 0.1F, static_cast<float>(kEpsilon));
    // Another scale and shift than the first ones; those of a stored pair belong together.
    const SparseSpectralTensor drawn_shift = drawn_on(shape_, index_, 8);
    const std::vector<Complex> shift = drawn_shift.host_values(*backend_);
    std::vector<float> scale;
    for (const std::uint32_t index : index_) {
        const std::int64_t first = std::min<std::int64_t>(index, spectrum_.mirror(index).value_or(index));
        scale.push_back(1 + 0.5F * std::sin(static_cast<float>(first)));
    }
    norm.scale().assign(*backend_, {norm.scale().shape(), scale});
    backend_->copy_to_device(norm.shift().complex_data(), shift.data(), shift.size() * sizeof(Complex));
    scale_ = to_doubles(scale);
    shift_ = ComplexDoubles(shift.begin(), shift.end());

    // Supports of their own: what the norm does not know is left out, what they lack is zero.
    std::vector<SparseSpectralTensor> x, g;
    std::vector<Doubles> in_spaces;
    Doubles weight;
    for (std::uint64_t b = 0; b < 3; ++b) {
        x.push_back(drawn(shape_, 20 + b, b == 0 ? 1 : 0.5));
        g.push_back(drawn_on(shape_, index_, 30 + b));
        in_spaces.push_back(in_space(x.back()));
        const Doubles own = in_space(g.back());
        weight.insert(weight.end(), own.begin(), own.end());
    }
    const std::vector<SparseSpectralTensor> y = norm.forward(x, true);
    Doubles found;
    for (const SparseSpectralTensor& each : y) {
        const Doubles own = in_space(each);
        found.insert(found.end(), own.begin(), own.end());
    }
    EXPECT_LE(relative_energy_error(found, function(in_spaces)), kEnergyTolerance);

    const std::vector<SparseSpectralTensor> dx = norm.backward(g);
    std::vector<SparseSpectralTensor> on_own;
    std::vector<const SparseSpectralTensor*> operands, gradients;
    for (std::size_t b = 0; b < x.size(); ++b)
        on_own.push_back(on_support(device_, dx[b], x[b].host_index()));
    for (std::size_t b = 0; b < x.size(); ++b) {
        operands.push_back(&x[b]);
        gradients.push_back(&on_own[b]);
    }
    expect_gradients(
        weight, [&](const std::vector<Doubles>& in) { return function(in); }, operands, gradients);

    // Scale and shift, by differences over both members of a stored pair at once.
    const std::vector<float> dscale = norm.scale_gradient().to_host(*backend_).values;
    const std::vector<Complex> dshift =
        download<Complex>(*backend_, norm.shift_gradient().complex_data(), std::ssize(index_));
    const auto loss = [&] {
        const Doubles value = function(in_spaces);
        return std::inner_product(value.begin(), value.end(), weight.begin(), 0.0);
    };
    Doubles expected, answer;
    for (std::size_t j = 0; j < index_.size(); ++j) {
        const int freedom = spectrum_.freedom(index_[j]);
        if (freedom == 0) continue;
        const auto pair = std::ranges::lower_bound(index_, spectrum_.mirror(index_[j]).value_or(index_[j]));
        const auto other = static_cast<std::size_t>(pair - index_.begin());
        constexpr double kStep = 1e-5;
        const auto slope = [&](const auto& move) {
            move(kStep);
            const double after = loss();
            move(-2 * kStep);
            const double before = loss();
            move(kStep);
            return (after - before) / (2 * kStep);
        };
        expected.push_back(slope([&](double step) {
            scale_[j] += step;
            if (other != j) scale_[other] += step;
        }));
        answer.push_back(freedom * static_cast<double>(dscale[j]));
        for (int part = 0; part < freedom; ++part) {
            const std::complex<double> direction = part == 0 ? 1.0 : std::complex<double>(0, 1);
            expected.push_back(slope([&](double step) {
                shift_[j] += step * direction;
                if (other != j) shift_[other] += step * std::conj(direction);
            }));
            answer.push_back(freedom * static_cast<double>(part == 0 ? dshift[j].real() : dshift[j].imag()));
        }
    }
    EXPECT_LE(relative_energy_error(answer, expected), 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SparseBatchNorms,
                         testing::Values(Shape{1}, Shape{2}, Shape{7}, Shape{8}, Shape{4, 6}, Shape{5, 3},
                                         Shape{2, 3, 4}));

TEST_F(SparseOperation, BatchNormRemembersItsBatches) {
    const Shape shape{4, 6};
    std::vector<SparseSpectralTensor> x;
    for (std::uint64_t b = 0; b < 8; ++b) x.push_back(drawn(shape, b, 1));
    SparseBatchNorm norm(device_, shape, x[0].host_index(), 1);  // remembers the last batch only
    const std::vector<SparseSpectralTensor> trained = norm.forward(x, true), used = norm.forward(x, false);
    // The same but for batch/(batch − 1) in the variance, and ε.
    for (std::size_t b = 0; b < x.size(); ++b) {
        const SparseSpectralTensor difference =
            add(device_, trained[b], used[b], static_cast<float>(std::sqrt(7.0 / 8)), -1);
        EXPECT_LE(difference.energy(), 1e-6 * used[b].energy());
    }
    EXPECT_EQ(failure([&] { norm.backward(x); }),
              "spectral batch norm: there is no forward pass for training of so many tensors");
    const std::vector<SparseSpectralTensor> none;
    EXPECT_TRUE(norm.forward(none, true).empty());
    std::vector<SparseSpectralTensor> other;
    other.push_back(drawn({6, 4}, 1, 1));
    EXPECT_EQ(failure([&] { norm.forward(other, true); }), "spectral batch norm: 6 × 4 is not 4 × 6");
}

}  // namespace
}  // namespace spectral::test

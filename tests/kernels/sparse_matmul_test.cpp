// Products with a sparse complex matrix, every flag of its entries, and the gradient of its values.
#include "kernels/ops/sparse_matmul.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/complex_values.hpp"

namespace spectral::test {
namespace {

struct Matrix {
    std::int64_t rows, columns;
    std::vector<std::uint32_t> row_start{0}, place, value;

    /// About one in `stride` places, with flags drawn; empty rows among them. Values in another order.
    Matrix(std::int64_t rows_, std::int64_t columns_, std::uint32_t stride) : rows(rows_), columns(columns_) {
        Random random(7);
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t c = 0; r % 5 != 3 && c < columns; ++c)
                if (random.below(stride) == 0)
                    place.push_back(static_cast<std::uint32_t>(c) | random.below(8) << 29);
            row_start.push_back(static_cast<std::uint32_t>(place.size()));
        }
        value.resize(place.size());
        std::iota(value.begin(), value.end(), 0U);
        random.shuffle(value);
    }
    std::int64_t entries() const { return std::ssize(place); }
};

std::complex<double> chosen(std::complex<double> value, bool conjugate) {
    return conjugate ? std::conj(value) : value;
}

class SparseMatMuls
    : public testing::TestWithParam<std::tuple<std::int64_t, std::array<std::int64_t, 2>, std::uint32_t>> {
protected:
    std::int64_t batch_ = std::get<0>(GetParam());
    Matrix m_{std::get<1>(GetParam())[0], std::get<1>(GetParam())[1], std::get<2>(GetParam())};
    std::vector<Complex> x_ = complex_values(batch_ * m_.columns, 1),
                         dy_ = complex_values(batch_ * m_.rows, 2), v_ = complex_values(m_.entries(), 3);
    std::vector<std::complex<double>> x_doubles_ = to_complex_doubles(x_),
                                      dy_doubles_ = to_complex_doubles(dy_),
                                      v_doubles_ = to_complex_doubles(v_);

    /// body(row, entry, twice, x of the entry for a member of the batch)
    template <class Body>
    void for_entries(const Body& body) const {
        for (std::size_t r = 0; r < static_cast<std::size_t>(m_.rows); ++r)
            for (std::size_t e = m_.row_start[r]; e < m_.row_start[r + 1]; ++e) {
                const std::uint32_t place = m_.place[e];
                body(r, e, (place & kTwice) != 0 ? 2.0 : 1.0, [this, place](std::size_t b) {
                    return chosen(
                        x_doubles_[b * static_cast<std::size_t>(m_.columns) + (place & kColumnMask)],
                        (place & kConjugateInput) != 0);
                });
            }
    }
};

TEST_P(SparseMatMuls, ProductAgrees) {
    for (const bool own_order : {true, false}) {
        std::vector<std::complex<double>> expected(static_cast<std::size_t>(batch_ * m_.rows));
        for_entries([&](std::size_t r, std::size_t e, double t, const auto& x) {
            const auto value =
                chosen(v_doubles_[own_order ? e : m_.value[e]], (m_.place[e] & kConjugateValue) != 0);
            for (std::size_t b = 0; b < static_cast<std::size_t>(batch_); ++b)
                expected[b * static_cast<std::size_t>(m_.rows) + r] += t * value * x(b);
        });
        at_every_level<SparseMatMul>([&](Backend& backend, Level level) {
            Array<std::uint32_t> start(backend, view(m_.row_start)), place(backend, view(m_.place)),
                value(backend, view(m_.value));
            Array<Complex> v(backend, view(v_)), x(backend, view(x_)), y(backend, batch_ * m_.rows),
                scratch(backend, SparseMatMul::scratch_size(batch_, m_.rows, m_.columns));
            const SparseRows rows{m_.rows,      m_.columns,   m_.entries(),
                                  start.data(), place.data(), own_order ? nullptr : value.data()};
            backend.run(SparseMatMul{batch_, rows, v.data(), x.data(), y.data(), scratch.data()}, level);
            EXPECT_LE(relative_energy_error(y.host(), expected), kEnergyTolerance);
        });
    }
}

TEST_P(SparseMatMuls, GradientAgrees) {
    std::vector<std::complex<double>> expected(static_cast<std::size_t>(m_.entries()));
    for_entries([&](std::size_t r, std::size_t e, double t, const auto& x) {
        for (std::size_t b = 0; b < static_cast<std::size_t>(batch_); ++b)
            expected[e] += t * dy_doubles_[b * static_cast<std::size_t>(m_.rows) + r] * std::conj(x(b));
        expected[e] = chosen(expected[e], (m_.place[e] & kConjugateValue) != 0);
    });
    at_every_level<SparseMatMulWeightGradient>([&](Backend& backend, Level level) {
        Array<std::uint32_t> start(backend, view(m_.row_start)), place(backend, view(m_.place));
        Array<Complex> x(backend, view(x_)), dy(backend, view(dy_)), dv(backend, m_.entries()),
            scratch(backend, SparseMatMulWeightGradient::scratch_size(batch_, m_.rows, m_.columns));
        const SparseRows rows{m_.rows, m_.columns, m_.entries(), start.data(), place.data(), nullptr};
        backend.run(SparseMatMulWeightGradient{batch_, rows, x.data(), dy.data(), dv.data(), scratch.data()},
                    level);
        EXPECT_LE(relative_energy_error(dv.host(), expected), kEnergyTolerance);
    });
}

using Extents = std::array<std::int64_t, 2>;
INSTANTIATE_TEST_SUITE_P(Shapes, SparseMatMuls,
                         testing::Combine(testing::Values<std::int64_t>(0, 1, 7, 8, 33, 70),
                                          testing::Values(Extents{0, 5}, Extents{1, 1}, Extents{13, 7},
                                                          Extents{65, 129}),
                                          testing::Values(1U, 6U)));

}  // namespace
}  // namespace spectral::test

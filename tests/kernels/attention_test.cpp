// Attention against its definition, its gradients against difference quotients of that, and both the same in
// tiles of any size.
#include "kernels/ops/attention.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/complex_values.hpp"
#include "tests/support/transformer_definitions.hpp"

namespace spectral::test {
namespace {

using definition::Doubles;

enum class Keys { all, some, none_of_first };

struct Case {
    std::int64_t batch, heads, queries, keys, size;
    bool causal = false;
    Keys keep = Keys::all;
    bool rows_first = false;  ///< batch × rows × heads × size
};

void PrintTo(const Case& c, std::ostream* out) {
    *out << c.batch << " × " << c.heads << " × " << c.queries << " by " << c.keys << " × " << c.size
         << (c.causal ? ", causal" : "") << (c.keep == Keys::all ? "" : ", padded")
         << (c.rows_first ? ", rows first" : "");
}

class AttentionOf : public testing::TestWithParam<Case> {
protected:
    Case case_ = GetParam();
    std::int64_t query_values_ = case_.batch * case_.heads * case_.queries * case_.size,
                 key_values_ = case_.batch * case_.heads * case_.keys * case_.size,
                 rows_ = case_.batch * case_.heads * case_.queries;
    std::vector<float> q_ = normal_values(query_values_, 1), k_ = normal_values(key_values_, 2),
                       v_ = normal_values(key_values_, 3), dy_ = normal_values(query_values_, 4);
    definition::Attention definition_{case_.batch, case_.heads, case_.queries, case_.keys,
                                      case_.size,  0.375,       case_.causal,  keep()};

    std::vector<std::uint8_t> keep() const {
        std::vector<std::uint8_t> result;
        for (std::int64_t at = 0; case_.keep != Keys::all && at < case_.batch * case_.keys; ++at)
            result.push_back(case_.keep == Keys::none_of_first ? at >= case_.keys : at * 7 % 10 < 6);
        return result;
    }

    HeadStrides strides(std::int64_t rows) const {
        if (case_.rows_first) return {rows * case_.heads * case_.size, case_.size, case_.heads * case_.size};
        return {case_.heads * rows * case_.size, rows * case_.size, case_.size};
    }

    AttentionShape shape(const std::uint8_t* keep) const {
        return {case_.batch,
                case_.heads,
                case_.queries,
                case_.keys,
                case_.size,
                strides(case_.queries),
                strides(case_.keys),
                strides(case_.keys),
                strides(case_.queries),
                0.375F,
                case_.causal,
                definition_.keep.empty() ? nullptr : keep};
    }

    /// Values as the definition has them, as they lie in memory, or the other way round.
    std::vector<float> moved(const std::vector<float>& values, std::int64_t rows, bool to_memory) const {
        const HeadStrides at = strides(rows);
        std::vector<float> result(values.size());
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
            const std::int64_t d = i % case_.size, row = i / case_.size % rows,
                               head = i / case_.size / rows % case_.heads,
                               b = i / case_.size / rows / case_.heads;
            const auto place = static_cast<std::size_t>(b * at.batch + head * at.head + row * at.row + d);
            result[to_memory ? place : static_cast<std::size_t>(i)] =
                values[to_memory ? static_cast<std::size_t>(i) : place];
        }
        return result;
    }

    struct Results {
        std::vector<float> y, log_sum, dq, dk, dv;
        bool operator==(const Results&) const = default;
    };

    /// In the definition's order.
    Results run(Backend& backend, Level level, const AttentionTile& tile, bool gradients) const {
        const std::vector<float> q_values = moved(q_, case_.queries, true),
                                 k_values = moved(k_, case_.keys, true),
                                 v_values = moved(v_, case_.keys, true),
                                 dy_values = moved(dy_, case_.queries, true);
        Array<std::uint8_t> keep(backend, view(definition_.keep));
        Array<float> q(backend, view(q_values)), k(backend, view(k_values)), v(backend, view(v_values)),
            y(backend, query_values_), log_sum(backend, rows_);
        const AttentionShape s = shape(keep.data());
        Array<float> scratch(backend, Attention::scratch_size(s, tile, backend.threads()));
        backend.run(
            Attention{s, tile, q.data(), k.data(), v.data(), y.data(), log_sum.data(), scratch.data()},
            gradients ? Level::best : level);
        Results results{moved(y.host(), case_.queries, false), log_sum.host(), {}, {}, {}};
        if (!gradients) return results;
        Array<float> dy(backend, view(dy_values)), dq(backend, query_values_), dk(backend, key_values_),
            dv(backend, key_values_),
            work(backend, AttentionBackward::scratch_size(s, tile, backend.threads()));
        backend.run(AttentionBackward{s, tile, q.data(), k.data(), v.data(), y.data(), log_sum.data(),
                                      dy.data(), dq.data(), dk.data(), dv.data(), work.data()},
                    level);
        results.dq = moved(dq.host(), case_.queries, false);
        results.dk = moved(dk.host(), case_.keys, false);
        results.dv = moved(dv.host(), case_.keys, false);
        return results;
    }

    std::int64_t work() const { return rows_ * case_.keys * case_.size; }
};

TEST_P(AttentionOf, IsTheDefinition) {
    if (too_large_to_test(work() / 8)) GTEST_SKIP() << "too large for this build";
    const Doubles y = definition_.output(to_doubles(q_), to_doubles(k_), to_doubles(v_)),
                  log_sum = definition_.log_sum(to_doubles(q_), to_doubles(k_));
    at_every_level<Attention>([&](Backend& backend, Level level) {
        const Results found = run(backend, level, {}, false);
        EXPECT_LE(relative_energy_error(found.y, y), kEnergyTolerance);
        for (std::size_t i = 0; i < log_sum.size(); ++i) {
            if (std::isinf(log_sum[i])) {
                EXPECT_EQ(static_cast<double>(found.log_sum[i]), log_sum[i]);
                EXPECT_EQ(found.y[i * static_cast<std::size_t>(case_.size)], 0);
            } else {
                EXPECT_NEAR(static_cast<double>(found.log_sum[i]), log_sum[i], 1e-5);
            }
        }
    });
}

TEST_P(AttentionOf, IsTheSameInTilesOfAnySize) {
    if (too_large_to_test(work() / 2)) GTEST_SKIP() << "too large for this build";
    const auto backend = open_tested(2);
    const Results expected = run(*backend, Level::best, {}, true);
    for (const AttentionTile tile :
         {AttentionTile{1, 1}, {16, 64}, {32, 128}, {64, 256}, {192, 64}, {1000, 1000}}) {
        SCOPED_TRACE(testing::Message() << tile.queries << " by " << tile.keys);
        EXPECT_TRUE(run(*backend, Level::best, tile, true) == expected);
    }
    // Nor does it depend on how many threads there are.
    EXPECT_TRUE(run(*open_tested(1), Level::best, {}, true) == expected);
    EXPECT_TRUE(run(*open_tested(3), Level::best, {}, true) == expected);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionOf,
    testing::Values(Case{0, 2, 3, 3, 4}, Case{2, 0, 3, 3, 4}, Case{1, 1, 0, 3, 4}, Case{2, 1, 3, 0, 4},
                    Case{1, 1, 1, 1, 1}, Case{1, 2, 3, 5, 7}, Case{2, 3, 17, 17, 5, true, Keys::all, true},
                    Case{1, 1, 70, 70, 64, true}, Case{1, 2, 65, 129, 16, false, Keys::some, true},
                    Case{2, 1, 33, 80, 20, true, Keys::some}, Case{2, 2, 20, 9, 8, true},
                    Case{2, 1, 9, 70, 12, false, Keys::none_of_first}, Case{1, 1, 1, 200, 64},
                    Case{1, 1, 40, 40, 100, true, Keys::some}, Case{1, 1, 30, 37, 256},
                    Case{1, 1, 130, 300, 64, true, Keys::all, true}, Case{1, 3, 200, 200, 97, true}));

/// A quotient for every value.
class SmallAttentionOf : public AttentionOf {};

TEST_P(SmallAttentionOf, GradientsAreDifferenceQuotients) {
    Doubles q = to_doubles(q_), k = to_doubles(k_), v = to_doubles(v_);
    const Doubles dy = to_doubles(dy_);
    const auto loss = [&] { return definition::dot(definition_.output(q, k, v), dy); };
    const Doubles dq = definition::difference_quotients(q, loss),
                  dk = definition::difference_quotients(k, loss),
                  dv = definition::difference_quotients(v, loss);
    at_every_level<AttentionBackward>([&](Backend& backend, Level level) {
        const Results found = run(backend, level, {}, true);
        // Of a query that attends to one key nothing comes through its score.
        if (case_.keys > 1 && case_.size > 0) {
            EXPECT_LE(relative_energy_error(found.dq, dq), 1e-9);
            EXPECT_LE(relative_energy_error(found.dk, dk), 1e-9);
        }
        EXPECT_LE(relative_energy_error(found.dv, dv), 1e-9);
    });
}

INSTANTIATE_TEST_SUITE_P(Shapes, SmallAttentionOf,
                         testing::Values(Case{0, 2, 3, 3, 4}, Case{1, 1, 0, 3, 4}, Case{2, 1, 3, 0, 4},
                                         Case{1, 1, 1, 1, 1}, Case{1, 2, 3, 5, 7},
                                         Case{2, 3, 9, 9, 5, true, Keys::all, true},
                                         Case{1, 1, 5, 12, 16, true, Keys::some}, Case{2, 1, 12, 7, 3, true},
                                         Case{2, 1, 4, 9, 17, false, Keys::none_of_first, true},
                                         Case{1, 1, 35, 20, 2}));

/// Long enough for blocks and panels to follow each other; a slope along one direction for each input.
TEST(LongAttention, GradientsAreSlopesOfTheDefinition) {
    for (const int variant : {1, 2}) {
        const auto backend = open_tested(variant);
        const std::int64_t heads = 2, rows = 150, size = 24, values = heads * rows * size;
        if (too_large_to_test(values * rows / 8)) GTEST_SKIP() << "too large for this build";
        const HeadStrides strides{values, rows * size, size};
        AttentionShape s{1, heads, rows, rows, size, strides, strides, strides, strides, 0.2F, true, nullptr};
        const std::vector<float> inputs[] = {normal_values(values, 1), normal_values(values, 2),
                                             normal_values(values, 3), normal_values(values, 4)};
        Array<float> q(*backend, view(inputs[0])), k(*backend, view(inputs[1])), v(*backend, view(inputs[2])),
            dy(*backend, view(inputs[3])), y(*backend, values), log_sum(*backend, heads * rows),
            scratch(*backend, Attention::scratch_size(s, {}, backend->threads())),
            work(*backend, AttentionBackward::scratch_size(s, {}, backend->threads()));
        backend->run(
            Attention{s, {}, q.data(), k.data(), v.data(), y.data(), log_sum.data(), scratch.data()});
        const definition::Attention definition{1, heads, rows, rows, size, 0.2F, true, {}};
        Array<float> dq(*backend, values), dk(*backend, values), dv(*backend, values);
        backend->run(AttentionBackward{s,
                                       {},
                                       q.data(),
                                       k.data(),
                                       v.data(),
                                       y.data(),
                                       log_sum.data(),
                                       dy.data(),
                                       dq.data(),
                                       dk.data(),
                                       dv.data(),
                                       work.data()});
        for (const int input : {0, 1, 2}) {
            Doubles at[] = {to_doubles(inputs[0]), to_doubles(inputs[1]), to_doubles(inputs[2])};
            const Doubles direction =
                to_doubles(normal_values(values, 5 + static_cast<std::uint64_t>(input)));
            const auto loss = [&](double step) {
                Doubles moved[] = {at[0], at[1], at[2]};
                for (std::size_t i = 0; i < direction.size(); ++i) moved[input][i] += step * direction[i];
                return definition::dot(definition.output(moved[0], moved[1], moved[2]),
                                       to_doubles(inputs[3]));
            };
            constexpr double kStep = 1e-5;
            const Doubles gradient = to_doubles((input == 0 ? dq : input == 1 ? dk : dv).host());
            const double slope = (loss(kStep) - loss(-kStep)) / (2 * kStep);
            EXPECT_NEAR(definition::dot(gradient, direction), slope, 1e-4 * std::abs(slope)) << input;
        }
    }
}

}  // namespace
}  // namespace spectral::test
